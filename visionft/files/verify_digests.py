"""A folder beside its digests.json: every file, each fault in a line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionft.files.digests import NAME, Digests, files
from visionft.files.safe_open import MISSING, WEIGHTS_BYTES, UnreadableError, entry_of
from visionft.wording.lists import count

SHOWN = 5


@dataclass(frozen=True)
class Checked:
    """What a look at every file of a run or bundle found.

    Attributes:
        path: the folder.
        kind: `run` or `bundle`.
        files: how many files were compared.
        faults: one line each, the file's name first; none: the folder is as it was written.
        notes: what else should be known.
        compared: whether there were digests to compare with; without them nobody knows how the files were written.
    """

    path: Path
    kind: str
    files: int
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: bool = True

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the line of `--json`."""
        plain = {"path": str(self.path), "kind": self.kind, "files": self.files, "whole": self.whole}
        plain["compared"] = self.compared
        return {**plain, "faults": list(self.faults), "notes": list(self.notes)}

    def __str__(self) -> str:
        whole = "as written" if self.compared else "readable; whether as written, nobody can know"
        found = whole if self.whole else count(len(self.faults), "fault")
        lines = [f"{self.kind} {self.path}: {count(self.files, 'file')} looked at, {found}"]
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults), *(f"note: {note}" for note in self.notes)])


def compare(
    folder: Path,
    kind: str,
    *,
    known: Collection[str] = (),
    within: Collection[str] | None = None,
    apart: Collection[str] = (),
    foreign: bool = False,
) -> Checked:
    """Compare every file of a folder with its digests.json.

    Args:
        folder: holds digests.json.
        kind: `run` or `bundle`.
        known: names that visionft gives; such a file has to be listed.
        within: folders whose files are listed too; none: all.
        apart: files that change without being listed.
        foreign: whether somebody else may have made the folder: no link is followed then.
    """
    inside = folder if foreign else None
    try:
        digests = Digests.read(folder, inside=inside)
    except UnreadableError as error:
        return Checked(folder, kind, 1, (f"{NAME}: {error.reason}",))
    found = {name: place for name, place in files(folder, within).items() if name not in (NAME, *apart)}
    faults = {}
    for name in sorted(digests.files.keys() | digests.pending.keys()):
        if reason := _fault(digests, name, found.get(name, folder / name), inside):
            faults[name] = reason
    unlisted = sorted(found.keys() - digests.files.keys() - digests.pending.keys())
    leftovers = [name for name in unlisted if is_leftover(name)]
    strange = [name for name in unlisted if name not in leftovers and (name in known or "/" in name)]
    faults |= dict.fromkeys(strange, f"{NAME} does not list it")
    others = [name for name in unlisted if name not in leftovers and name not in strange]
    notes = [*_told("left by a killed process", leftovers), *_told("not visionft's, so nothing is said of", others)]
    count = len(found.keys() | digests.files.keys()) - len(leftovers) - len(others) + 1
    return Checked(
        folder, kind, count, tuple(f"{name}: {reason}" for name, reason in sorted(faults.items())), tuple(notes)
    )


def is_leftover(name: str) -> bool:
    """Tell whether a name is that of a temporary file, or of one in a temporary folder."""
    return any(part.startswith(".") and part.endswith((".part", ".partial")) for part in name.split("/"))


def _fault(digests: Digests, name: str, path: Path, inside: Path | None) -> str | None:
    try:
        digests.require(name, entry_of(path, WEIGHTS_BYTES, inside=inside))
    except UnreadableError as error:
        gone_on_purpose = name in digests.pending and (digests.pending[name] is None or name not in digests.files)
        return None if gone_on_purpose and error.reason == MISSING else error.reason
    return None


def _told(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    return [f"{what}: {', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"]
