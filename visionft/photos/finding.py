"""Which files of a folder are taken for photos, in one order on every machine, and which are put into quarantine."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from visionft.errors import DataError

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


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return the path in valid Unicode, to print and save: bytes of a name that are not UTF-8 become `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def junk(name: str, *, folder: bool) -> str | None:
    """Return why a file or folder of this name holds no photo, or None."""
    kind = "folder" if folder else "file"
    if name.startswith("."):
        return f"hidden {kind}"
    if name in (IGNORED_FOLDERS if folder else _IGNORED_FILES):
        return f"{kind} made by a system, not photos"
    if printable(name) != name:
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


def find(places: Sequence[str | os.PathLike[str]]) -> tuple[list[Path], list[Quarantined]]:
    """Return the files that photos, folders (with all below them) and globs (`**` too) stand for, each once.

    The order is that of `places`, sorted within each. A file named outright is taken whatever its name.

    Raises:
        DataError: a place matches nothing, or holds no file that may be a photo.
    """
    found: list[Path | Quarantined] = []
    for place in places:
        found += require_photos(place)
    once = dict.fromkeys(found)
    return [one for one in once if isinstance(one, Path)], [one for one in once if isinstance(one, Quarantined)]


def require_photos(place: str | os.PathLike[str]) -> list[Path | Quarantined]:
    """Expand a place that must stand for some photo; see `expand`.

    Raises:
        DataError: it matches nothing, or holds no file that may be a photo.
    """
    found = expand(place)
    if not any(isinstance(one, Path) for one in found):
        raise DataError(_nothing(place, [one for one in found if isinstance(one, Quarantined)]))
    return found


def expand(place: str | os.PathLike[str]) -> list[Path | Quarantined]:
    """Return the files that a photo, a folder (with all below it) or a glob (`**` too) stands for, each once.

    They are sorted, what was passed over among them; empty where nothing matches. The files are not opened.
    """
    text = os.fspath(place)
    # Path.glob takes no pattern that begins at the root, and finds hidden files.
    matches = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))  # noqa: PTH207
    found: list[Path | Quarantined] = []
    for match in map(Path, matches):
        files, passed = walk(match) if os.path.isdir(match) else ([match], [])  # noqa: PTH112  # Path's may raise
        found += sorted([*files, *passed], key=lambda one: one.as_posix() if isinstance(one, Path) else one.path)
    return list(dict.fromkeys(found))


def _nothing(place: str | os.PathLike[str], passed: Sequence[Quarantined]) -> str:
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
