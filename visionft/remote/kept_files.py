"""What was fetched, kept in the cache: files by address and version, and folders of links to them.

A file and a folder appear under their name whole or not at all, so that kills and several processes do no harm. A
folder is of one version of its source for ever: photos that change there become another folder, and a run that reads
the old one is not disturbed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visionft.errors import DataError, UsageError
from visionft.files.cache_root import root
from visionft.remote import pins
from visionft.wording.safe_text import printable

FOLDER = "remote"
ORIGIN = "origin.json"
VARIABLE = "VISIONFT_REMOTE_GB"
DEFAULT_GB = 100.0
_HELD = "in-use"
_NEW = ".new-"  # how the names of folders begin that are being made, or removed
_STALE = 24 * 3600  # s, after which an unfinished file belongs to a process that was killed
_FORMAT = 1  # counted up whenever the same source becomes another folder
_held: dict[
    str, int
] = {}  # locks that say which folders this process reads; until it ends, as no one says when it is done


def key_of(*parts: Any) -> str:
    """Return a name for what these values stand for."""
    return hashlib.sha256(json.dumps([_FORMAT, *parts]).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def blob(address: str, version: str, size: int) -> Path:
    """Return where the bytes of one version of a file are kept, or will be."""
    key = key_of(address, version, size)
    return _base() / "files" / key[:2] / key


def is_there(place: Path, size: int) -> bool:
    """Tell whether a kept file is there and whole; a machine that lost its power may have left an empty one."""
    try:
        return place.stat().st_size == size
    except OSError:
        return False


def using(places: Iterable[Path]) -> contextlib.AbstractContextManager[Callable[[str], None]]:
    """Keep files, there or not yet, from whoever makes room meanwhile; see `visionft.remote.pins.pinned`."""
    return pins.pinned(_base(), [place.name for place in places])


@contextmanager
def new_file(place: Path) -> Iterator[Path]:
    """Yield a temporary path, whose file takes its place if nothing is raised."""
    folder = _base() / "new"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    try:
        yield Path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(name).replace(place)
    finally:
        Path(name).unlink(missing_ok=True)


def kept_folder(key: str) -> Path | None:
    """Return the folder of this key, marked as in use by this process; None where there is none."""
    place = _base() / "folders" / key
    try:
        _hold(place)
        os.utime(place / ORIGIN)
    except OSError:
        if (handle := _held.pop(os.fspath(place), None)) is not None:  # of a folder that was removed since
            os.close(handle)
        return None
    return place


@contextmanager
def new_folder(key: str, origin: dict[str, Any]) -> Iterator[Path]:
    """Yield an empty folder, which becomes that of the key if nothing is raised.

    Args:
        key: see `key_of`.
        origin: where its photos are from; written beside them.
    """
    base = _base()
    (base / "folders").mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=_NEW, dir=base / "folders"))
    handle = os.open(temporary, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a disk without locks: its age alone keeps it
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield temporary
        (temporary / ORIGIN).write_text(json.dumps(origin, indent=2), encoding="utf-8")
        (temporary / _HELD).touch()
        with contextlib.suppress(OSError):  # another process was quicker, and its folder is the same
            temporary.rename(base / "folders" / key)
    finally:
        os.close(handle)
        shutil.rmtree(temporary, ignore_errors=True)


def link(source: Path, place: Path) -> None:
    """Give a kept file another name; a copy where the disk has no links.

    Raises:
        DataError: something has that name already, or another process removed the file.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, place)
    except (FileExistsError, NotADirectoryError) as fault:
        # Never a copy over it: it is another name of a kept file, which would change with it.
        raise DataError(
            f"two photos would have the name {printable(place.name)[:80]!r} in one folder on this machine: give one "
            "of them another name there"
        ) from fault
    except FileNotFoundError as fault:
        raise DataError(
            "the cache of photos from elsewhere was emptied by another process: give the same command again"
        ) from fault
    except OSError:
        shutil.copyfile(source, place)


def require_room(source: str, size: int) -> None:
    """Make room for so many bytes, by removing what was used longest ago.

    Raises:
        DataError: the cache may not take as much, or the disk has no room for it.
        UsageError: $VISIONFT_REMOTE_GB is no number.
    """
    most = _most()
    if size > most:
        raise DataError(
            f"{source} has {size / 1e9:.1f} GB, and the cache of photos from elsewhere may take {most / 1e9:g}: "
            f"set ${VARIABLE} to more, or name a part of it"
        )
    base = _base()
    base.mkdir(parents=True, exist_ok=True)
    _sweep(base)
    if (over := _taken(base) + size - most) > 0:
        _free(base, over)
    if (free := shutil.disk_usage(base).free) < size:
        raise DataError(
            f"{source} needs {size / 1e9:.1f} GB, and {base} has {free / 1e9:.1f} left: set $VISIONFT_CACHE to another "
            "disk, or make room"
        )


def clear() -> None:
    """Remove what no process reads, fetches or makes; a folder loses its name first, so that no part of it is read."""
    base = _base()
    if not base.is_dir():
        return
    _sweep(base)
    with pins.locked(base):
        pinned = pins.used(base)
        for place in (base / "folders").glob("*"):
            with contextlib.suppress(OSError):
                _remove_unfinished(place) if place.name.startswith(_NEW) else _remove(place)
        for file in (base / "files").glob("*/*"):
            if file.name not in pinned:
                _dropped(file)
        for file in () if pinned else (base / "new").glob("*"):
            file.unlink(missing_ok=True)


def origin_at(place: Path) -> dict[str, Any] | None:
    """Return where the photos of a folder of this cache are from; None for any other place."""
    folders = (_base() / "folders").resolve()
    resolved = place.resolve()
    if not resolved.is_relative_to(folders) or resolved == folders:
        return None
    key = resolved.relative_to(folders).parts[0]
    try:
        found: dict[str, Any] = json.loads((folders / key / ORIGIN).read_bytes())
    except (OSError, ValueError):
        return None
    return found


def holds(path: Any) -> bool:
    """Tell whether a path, as an error of the system names it, lies in this cache, or is on the way to it."""
    return isinstance(path, str) and (Path(path).is_relative_to(_base()) or _base().is_relative_to(path))


def free_name(name: str) -> str:
    """Return a name for the photos of a folder beside the files that this module has there."""
    return f"{name}-photos" if name in (ORIGIN, _HELD) else name


def _base() -> Path:
    return root() / FOLDER


def _most() -> int:
    given = os.environ.get(VARIABLE, str(DEFAULT_GB))
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < 1e9:
        raise UsageError(f"${VARIABLE}: {given!r} is no number of GB; give one above 0, such as 100")
    return int(gigabytes * 1e9)


def _hold(place: Path) -> None:
    if os.fspath(place) in _held:
        return
    handle = os.open(place / _HELD, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    _held[os.fspath(place)] = handle


def _taken(base: Path) -> int:
    """Return the bytes of all files, those with several names once."""
    sizes = {_identity(one): one.st_size for one in _stats(base)}
    return sum(sizes.values())


def _stats(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                yield (Path(place) / name).stat(follow_symlinks=False)


def _free(base: Path, wanted: int) -> None:
    """Remove folders that no process reads, those used longest ago first, and the files that no folder has."""
    with pins.locked(base):
        pinned = pins.used(base)
        files = {file.name: file for file in (base / "files").glob("*/*") if file.name not in pinned}
        kept = {_identity(found): file for file in files.values() if (found := _stat(file)) is not None}
        freed = sum(map(_dropped, kept.values()))
        folders = [place for place in (base / "folders").glob("*") if (place / ORIGIN).is_file()]
        for place in sorted(folders, key=_used):
            if freed >= wanted:
                return
            for found in _remove(place):
                file = kept.get(_identity(found))
                freed += (found.st_size if found.st_nlink == 1 else 0) if file is None else _dropped(file)


def _dropped(file: Path) -> int:
    """Remove a file if no folder has it; return the bytes that are free by it."""
    found = _stat(file)
    if found is None or found.st_nlink != 1:
        return 0
    with contextlib.suppress(OSError):
        file.unlink()
        return found.st_size
    return 0


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat(follow_symlinks=False)
    except OSError:
        return None


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _used(place: Path) -> float:
    try:
        return (place / ORIGIN).stat().st_mtime
    except OSError:
        return 0.0


def _remove(place: Path) -> list[os.stat_result]:
    """Remove a folder unless a process reads it, and return what its files were.

    Its name goes first, so that nobody finds a part of it.
    """
    try:
        handle = os.open(place / _HELD, os.O_RDONLY)
    except OSError:
        return []
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = place.with_name(f"{_NEW}{place.name}")
        place.rename(gone)
        files = list(_stats(gone))
        shutil.rmtree(gone, ignore_errors=True)
    except OSError:  # in use
        return []
    else:
        return files
    finally:
        os.close(handle)


def _sweep(base: Path) -> None:
    """Remove what processes left unfinished that were killed: files, and folders that no process is making."""
    for file in (base / "new").glob("*"):
        with contextlib.suppress(OSError):
            if _is_stale(file):
                file.unlink()
    for folder in (base / "folders").glob(f"{_NEW}*"):
        with contextlib.suppress(OSError):
            if _is_stale(folder):
                _remove_unfinished(folder)


def _is_stale(place: Path) -> bool:
    return time.time() - place.stat().st_mtime > _STALE


def _remove_unfinished(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while a process makes it, however long that takes
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
