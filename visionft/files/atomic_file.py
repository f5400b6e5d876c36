"""A file that is made in one step, under a hidden name beside its place: it is whole, or it is not there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visionft.files.temporary import new_file

PARTIAL = ".partial"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a hidden file beside `path` to fill; flushed to the disk, it takes `path`'s place, also after a power cut.

    Raises:
        OSError: as the system raises it; nothing is left then.
    """
    partial = new_file(path, PARTIAL)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        _flush(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def sweep_files(folder: Path) -> None:
    """Remove what killed processes left of files that they were filling in a folder."""
    for leftover in folder.glob(f".*{PARTIAL}"):
        leftover.unlink(missing_ok=True)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the kernel lets go when the process ends, however it ends.

    A file system without locks does without.

    Raises:
        BlockingIOError: another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def _flush(folder: Path) -> None:
    """Put a folder's names on the disk; some network file systems keep them their own way."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
