"""A file that several processes add to: locked, and added to whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from io import FileIO
from pathlib import Path


def open_locked(path: Path) -> FileIO:
    """Open a file to read and to add to it, made where there is none, and lock it against others that do so.

    It is the file that has the path once the lock is there: an editor may put another one in its place meanwhile. The
    lock is advisory (flock), and is given back when the file closes. Faults are OSError, as the system raises it.
    """
    while True:
        file = path.open("a+b", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
        file.close()


def read_from(descriptor: int, start: int) -> bytes:
    """Return the bytes of a file from a place on, wherever it is read or written otherwise."""
    parts = []
    while part := os.pread(descriptor, 1 << 20, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def append_whole(descriptor: int, data: bytes) -> None:
    """Add bytes to the end of a file that was opened to be added to, and flush them to the disk.

    Raises:
        OSError: they could not be written; nothing of them is left.
    """
    size = os.fstat(descriptor).st_size
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the name of a new file to the disk, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
