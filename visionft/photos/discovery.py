"""Which files are taken for photos, in one order on every machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from visionft.errors import DataError
from visionft.photos.quarantine import Quarantined
from visionft.photos.walk import UNLISTED, Walk, doubles, without
from visionft.wording.safe_text import printable


def walk(folder: Path) -> tuple[list[Path], list[Quarantined]]:
    """Return every file below a folder that may be a photo, and what was passed over, both sorted by path.

    Links are followed; a folder that has several names is read under one of them, its own where it has one here.
    Folders that cannot be listed are passed over. The files are not opened.
    """
    walked = Walk(folder)
    try:
        folders = list(walked)
    except OSError as fault:
        return [], [Quarantined(printable(folder), f"{UNLISTED} ({fault.strerror})")]
    double = doubles(folders)
    files = [folder / found.path / name for found in folders if found.path not in double for name in found.files]
    aside = without(double, walked.quarantine)
    passed = [Quarantined(str(Path(printable(folder)) / item.path), item.reason) for item in aside]
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
