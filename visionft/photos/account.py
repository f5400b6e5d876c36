"""The account that travels with every figure: photos asked for, photos measured, and why the others were left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from visionft.photos.quarantine import Quarantined

LOUD_SHARE = 0.01
"""Above this share of photos left out the headline of a report says so."""
SHOWN_FILES = 3
"""Files that are named in a line; the whole list is in the record that the line points to."""


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

    @property
    def is_loud(self) -> bool:
        """Whether a headline must say what is missing: more than 1 % of the photos, or a whole class."""
        return bool(self.lost_classes) or len(self.left_out) > LOUD_SHARE * self.asked

    @property
    def reasons(self) -> dict[str, int]:
        """Reasons with the number of photos of each, the most frequent first."""
        return dict(Counter(item.reason for item in self.left_out).most_common())

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the photos left out stand there one by one."""
        return {
            "asked": self.asked,
            "measured": self.measured,
            "left_out": [item.to_json() for item in self.left_out],
            "reasons": self.reasons,
            "lost_classes": list(self.lost_classes),
            "seen_in_training": self.seen,
        }

    def __str__(self) -> str:
        if not self.left_out:
            return f"{_photos(self.asked)} asked for, all measured"
        why = ", ".join(f"{number:,} {reason}" for reason, number in self.reasons.items())
        lost = f"; no photo is left of {_some(self.lost_classes)}" if self.lost_classes else ""
        named = _some([item.path for item in self.left_out])
        return (
            f"{_photos(self.asked)} asked for, {self.measured:,} measured, "
            f"{len(self.left_out):,} left out ({why}): {named}{lost}"
        )


def _photos(number: int) -> str:
    return f"{number:,} photo{'' if number == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_FILES:,} more" if len(names) > SHOWN_FILES else ""
    return ", ".join(names[:SHOWN_FILES]) + more
