"""Which kept files a process is about to use, so that no other, and not itself, makes room by removing them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "pins"
_NEW = ".new-"  # how a list begins that is not whole yet
_STALE = 24 * 3600  # s, after which such a list belongs to a process that was killed


@contextmanager
def pinned(base: Path, names: Iterable[str]) -> Iterator[Callable[[str], None]]:
    """Keep files of these names from `used` by others, until the block ends or this process does.

    Args:
        base: the folder of the cache.
        names: of kept files, which need not be there yet.

    Yields:
        A function that lets one of them go before.
    """
    (base / FOLDER).mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_NEW, dir=base / FOLDER)
    place = Path(name)
    try:
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with open(handle, "w", encoding="ascii", closefd=False) as file:
            file.writelines(f"{each}\n" for each in names)
        with locked(base, fcntl.LOCK_SH):  # whoever makes room now has not seen these names
            place = place.rename(place.with_name(place.name.removeprefix(_NEW)))

        def let_go(name: str) -> None:
            os.write(handle, f"-{name}\n".encode("ascii"))

        yield let_go
    finally:
        place.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def locked(base: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the lock of all pins: no name is added while another process removes files."""
    (base / FOLDER).mkdir(parents=True, exist_ok=True)
    handle = os.open(base / FOLDER, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def used(base: Path) -> set[str]:
    """Return the names that living processes have pinned; lists of dead ones are removed."""
    names: set[str] = set()
    for place in (base / FOLDER).glob("*"):
        with contextlib.suppress(OSError):
            names |= _names(place)
    return names


def _names(place: Path) -> set[str]:
    handle = os.open(place, os.O_RDONLY)
    try:
        if place.name.startswith(_NEW):
            if time.time() - os.fstat(handle).st_mtime > _STALE:
                place.unlink()
            return set()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives, or the disk has no locks
            with open(handle, encoding="ascii", closefd=False) as file:
                lines = file.read().split()
            gone = {line for line in lines if line.startswith("-")}
            return set(lines) - gone - {line[1:] for line in gone}
        place.unlink()
        return set()
    finally:
        os.close(handle)
