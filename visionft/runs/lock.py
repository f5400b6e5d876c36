"""One live process a run folder."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from visionft.errors import RunBusyError, RunError
from visionft.runs.layout import LOCK

_TABLE = Path("/proc/locks")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the run folder's lock; the kernel lets go of it when the process ends, however it ends.

    Raises:
        RunBusyError: another live process holds it.
        RunError: the folder cannot be written, or something else than a file has the lock's name.
    """
    with _opened(folder / LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
            raise RunBusyError(
                f"{folder} is in use by another process (number {owner}); wait for it, stop it, or choose another --out"
            ) from None
        except OSError as error:
            raise _unusable(folder / LOCK, error.strerror or str(error)) from error
        _sign(file)
        yield


def is_held(folder: Path) -> bool:
    """Tell whether a live process of this machine holds the lock, without touching it: a fit may start meanwhile.

    Where the system has no table of locks nobody is seen to hold one.
    """
    try:
        found = (folder / LOCK).lstat()
        table = _TABLE.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    return any(" FLOCK " in line and file in line.split() for line in table.splitlines())


def _opened(path: Path) -> TextIO:
    """Open the lock without waiting for anybody, as opening a FIFO would, and without following a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unusable(path, "it is no regular file")
    return os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")


def _sign(file: TextIO) -> None:
    """Write down who holds it; on a full disk nobody knows, and it is held all the same."""
    with suppress(OSError):
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()


def _unusable(path: Path, reason: str) -> RunError:
    return RunError(
        f"{path} cannot be used to hold the run ({reason}); make its folder writable, remove what has that name, or "
        "choose another --out"
    )
