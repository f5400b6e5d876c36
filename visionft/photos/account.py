"""The account that travels with every figure: photos asked for, photos measured, and why the others were left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from visionft.photos.quarantine import Quarantined
from visionft.wording.lists import count

LOUD_SHARE = 0.01
"""Above this share of photos left out the headline of a report says so."""
SHOWN_FILES = 3
"""Files that are named in a line; the whole list is in the record that the line points to."""
ENDINGS = frozenset(
    f".{ending}"
    for ending in "jpg jpeg jpe jfif png apng webp gif bmp dib tif tiff avif heic heif hif jp2 j2k jpf jpx j2c".split()  # noqa: SIM905
)
"""Endings by which a file is meant as a photo, read or not."""
_NOT_FILES = ("hidden ", "a link to a folder")


@dataclass(frozen=True)
class Account:
    """What became of the photos that somebody asked for; `asked == measured + len(left_out)`.

    Attributes:
        asked: photos (rows of a manifest, files of a folder, items of a call) that were asked for.
        measured: those that were trained on, measured or answered.
        left_out: the others, each with its reason.
        lost_classes: classes of which photos were asked for and none is measured.
        seen: how many of `measured` the run was trained on, told by their digests; None where that cannot be known.
    """

    asked: int
    measured: int
    left_out: tuple[Quarantined, ...] = ()
    lost_classes: tuple[str, ...] = ()
    seen: int | None = None

    def __post_init__(self) -> None:
        if self.asked != self.measured + len(self.left_out):
            raise ValueError(f"{self.asked} asked for, {self.measured} measured, {len(self.left_out)} left out")

    @classmethod
    def of(
        cls,
        measured: int,
        passed_over: Iterable[Quarantined],
        *,
        by_rows: bool = False,
        lost_classes: Sequence[str] = (),
        seen: int | None = None,
    ) -> Account:
        """Count photos that are used, and those of what was passed over that were asked for.

        Args:
            measured: photos that are used.
            passed_over: the quarantine.
            by_rows: whether a table named the photos: then every row was asked for; else see `is_asked_for`.
            lost_classes: as the attribute.
            seen: as the attribute.
        """
        left_out = tuple(item for item in passed_over if by_rows or is_asked_for(item))
        return cls(measured + len(left_out), measured, left_out, tuple(lost_classes), seen)

    @property
    def is_loud(self) -> bool:
        """Whether a headline must say what is missing: more than 1 % of the photos, or a whole class."""
        return bool(self.lost_classes) or len(self.left_out) > LOUD_SHARE * self.asked

    @property
    def reasons(self) -> dict[str, int]:
        """Reasons with the number of photos of each, the most frequent first."""
        return dict(Counter(item.reason for item in self.left_out).most_common())

    @property
    def headline(self) -> str:
        """What a headline must say, such as `14 of 72 photos left out`; nothing where it need not."""
        if not self.is_loud:
            return ""
        lost = f", no photo of {_some(self.lost_classes)}" if self.lost_classes else ""
        return f"{len(self.left_out):,} of {count(self.asked, 'photo')} left out{lost}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the photos left out stand there one by one."""
        return {**self.brief(), "left_out": [item.to_json() for item in self.left_out]}

    def brief(self) -> dict[str, Any]:
        """Return the same without the list of photos, for records that have it elsewhere."""
        return {
            "asked": self.asked,
            "measured": self.measured,
            "headline": self.headline,
            "reasons": self.reasons,
            "lost_classes": list(self.lost_classes),
            "seen_in_training": self.seen,
        }

    def __str__(self) -> str:
        if not self.left_out:
            return f"{count(self.asked, 'photo')} asked for, all measured"
        why = ", ".join(f"{number:,} {reason}" for reason, number in self.reasons.items())
        lost = f"; no photo is left of {_some(self.lost_classes)}" if self.lost_classes else ""
        named = _some([item.path for item in self.left_out])
        measured = f"{self.measured:,} measured, {len(self.left_out):,} left out"
        return f"{count(self.asked, 'photo')} asked for, {measured} ({why}): {named}{lost}"


def is_asked_for(item: Quarantined) -> bool:
    """Tell whether something that a folder's reader passed over is a photo that its owner asked for.

    Hidden files and folders, what a system left and links to folders already read are not; a file that has no photo's
    ending and is no image either, as `notes.txt`, is not. Everything else is: a photo that cannot be read, a photo in
    no class folder, a folder that cannot be listed.
    """
    if item.reason.startswith(_NOT_FILES) or "made by a system" in item.reason:
        return False
    ending = PurePosixPath(item.path).suffix.lower()
    if ending in ENDINGS:
        return True
    if item.reason == "empty file":
        return not ending  # photos in a store are often called by their digests alone
    return not (item.reason.startswith("not an image") or item.reason.endswith((", not a photo", "in a class folder")))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_FILES:,} more" if len(names) > SHOWN_FILES else ""
    return ", ".join(names[:SHOWN_FILES]) + more
