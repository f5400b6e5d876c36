"""A folder that is made in one step, under a hidden name beside its place: it is whole, or it is not there."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visionft.files.temporary import TRIES, new_folder

PARTIAL, OLD = ".partial", ".old"


@contextmanager
def placed_folder(out: Path, *, replace: bool) -> Iterator[Path]:
    """Give a hidden folder beside `out` to fill; it becomes `out` at the end, or is gone after any failure.

    What killed processes left beside `out` is swept away first; where one was killed between two names, the older
    folder is put back.

    Args:
        out: its parent is there.
        replace: whether a folder with files at `out` is replaced at the end; an empty one always is.

    Raises:
        OSError: as the system raises it.
    """
    sweep(out)
    partial, lock = _held_folder(out)
    try:
        yield partial
        if replace:
            _swap(partial, out)
        else:
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(lock)


def sweep(out: Path) -> None:
    """Remove the hidden folders that killed processes left beside `out`, or put back the one that was at `out`."""
    for place in sorted(_leftovers(out), key=lambda place: place.suffix != OLD):
        lock = _locked(place)
        if lock is None:  # a live process is filling it, or it is gone by now
            continue
        try:
            if place.suffix == OLD and not os.path.lexists(out):
                with suppress(OSError):
                    place.rename(out)
            else:
                shutil.rmtree(place, ignore_errors=True)
        finally:
            os.close(lock)


def _leftovers(out: Path) -> list[Path]:
    ours = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-z_]{{8,12}}(\{PARTIAL}|\{OLD})", re.IGNORECASE)
    try:
        return [place for place in out.parent.iterdir() if ours.fullmatch(place.name)]
    except OSError:
        return []


def _held_folder(out: Path) -> tuple[Path, int]:
    """Make a hidden folder and lock it: a sweeper that came between takes it away, and another one is made."""
    for _ in range(TRIES):
        partial = new_folder(out, PARTIAL)
        lock = _locked(partial)
        if lock is not None and partial.is_dir():
            return partial, lock
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(out))


def _locked(place: Path) -> int | None:
    """Return a descriptor that holds a folder's lock until it is closed; None where another process holds it."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _swap(partial: Path, out: Path) -> None:
    if not os.path.lexists(out):
        partial.rename(out)
        return
    if not stat.S_ISDIR(out.lstat().st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(out))
    lock, old = _locked(out), partial.with_suffix(OLD)
    try:
        out.rename(old)
        try:
            partial.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if lock is not None:
            os.close(lock)
