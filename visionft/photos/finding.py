"""Which files of a folder are taken for photos, in one order on every machine, and which are put into quarantine."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from visionft.errors import DataError
from visionft.files.printing import is_text, printable

IGNORED_FOLDERS = frozenset({"__MACOSX", "__pycache__", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})
"""Folders that systems leave beside photos; hidden ones (.ipynb_checkpoints, .git) are ignored by their dot."""

_IGNORED_FILES = frozenset({"Thumbs.db", "desktop.ini", "Icon\r"})


@dataclass(frozen=True)
class Quarantined:
    """Something that was passed over: `path` in printable form, and a short `reason`."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return a plain dict."""
        return asdict(self)


def junk(name: str, *, folder: bool) -> str | None:
    """Return why a file or folder of this name holds no photo, or None."""
    kind = "folder" if folder else "file"
    if name.startswith("."):
        return f"hidden {kind}"
    if name in (IGNORED_FOLDERS if folder else _IGNORED_FILES):
        return f"{kind} made by a system, not photos"
    if not is_text(name):
        return f"the name of the {kind} is not UTF-8: rename it"
    return None


def walk(folder: Path) -> tuple[list[Path], list[Quarantined]]:
    """Return every file below a folder that may be a photo, and what was passed over, both sorted by path.

    Symbolic links are followed; a folder that was already seen under another name (so every loop) is passed over.
    Folders that cannot be listed are passed over too. The files are not opened.
    """
    files: list[Path] = []
    passed: list[Quarantined] = []
    waiting, seen = [folder], {os.path.realpath(folder)}
    while waiting:
        for path, is_folder in _entries(waiting.pop(), passed):
            if reason := junk(path.name, folder=is_folder):
                passed.append(Quarantined(printable(path), reason))
            elif not is_folder:
                files.append(path)
            elif (real := os.path.realpath(path)) in seen:
                passed.append(Quarantined(printable(path), "a link to a folder that was already read"))
            else:
                seen.add(real)
                waiting.append(path)
    return sorted(files, key=Path.as_posix), sorted(passed, key=lambda item: item.path)


def find(places: Sequence[str | Path]) -> tuple[list[Path], list[Quarantined]]:
    """Return the files that photos, folders (with all below them) and globs (`**` too) stand for, each once.

    The order is that of `places`, sorted within each. A file named outright is taken whatever its name.

    Raises:
        DataError: a place matches nothing, or holds no file that may be a photo.
    """
    files: list[Path] = []
    passed: list[Quarantined] = []
    for place in places:
        found, left = _place(place)
        if not found:
            raise DataError(_nothing(place, left))
        files += found
        passed += left
    return list(dict.fromkeys(files)), list(dict.fromkeys(passed))


def _place(place: str | Path) -> tuple[list[Path], list[Quarantined]]:
    text = os.fspath(place)
    # Path.glob takes no pattern that begins at the root, and finds hidden files.
    matches = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))  # noqa: PTH207
    files: list[Path] = []
    passed: list[Quarantined] = []
    for match in map(Path, matches):
        found, left = walk(match) if match.is_dir() else ([match], [])
        files += found
        passed += left
    return files, passed


def _nothing(place: str | Path, passed: Sequence[Quarantined]) -> str:
    name = printable(place)
    if passed:
        first = f"{passed[0].path} ({passed[0].reason})"
        return f"{name} holds no photo; {len(passed)} things were passed over, first {first}: name photos outright"
    return f"{name} holds or matches no photo; give the path of a photo, of a folder of photos, or a pattern in quotes"


def _entries(folder: Path, passed: list[Quarantined]) -> list[tuple[Path, bool]]:
    """Return (path, is a folder) of a folder's entries in the order of their names."""
    try:
        with os.scandir(folder) as entries:
            return sorted((folder / entry.name, _is_folder(entry)) for entry in entries)
    except OSError as fault:
        passed.append(Quarantined(printable(folder), f"cannot be listed ({fault.strerror})"))
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; reading it will say so
        return False
