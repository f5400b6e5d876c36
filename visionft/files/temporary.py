"""New files and folders: under a name that nobody can foresee, with the rights that the user's umask leaves.

The system applies the umask while it creates a file. To read it a process has to change it, for all of its threads; so
nothing here does, and nothing changes rights afterwards.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TRIES = 100
FULL = (errno.ENOSPC, errno.EDQUOT)
PROBE = bytes(1 << 20)


def new_file(beside: Path, suffix: str) -> Path:
    """Create an empty file in the folder of `beside`, hidden, named after it; OSError as the system raises it."""
    return _new(beside, suffix, _create)


def new_folder(beside: Path, suffix: str) -> Path:
    """Create an empty folder as `new_file` does a file."""
    return _new(beside, suffix, lambda path: path.mkdir())


def _new(beside: Path, suffix: str, create: Callable[[Path], object]) -> Path:
    for _ in range(TRIES):
        path = beside.with_name(f".{beside.name}.{secrets.token_hex(6)}{suffix}")
        with suppress(FileExistsError):
            create(path)
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(beside))


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))


def why_not_written(path: Path) -> OSError | None:
    """Return what keeps a file from growing, found by trying; None: nothing does.

    torch, safetensors and onnxruntime raise errors of their own where the system refused, and drop its reason.
    """
    try:
        with path.open("ab") as file:
            file.write(PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def reason_of(error: OSError) -> str:
    """Return why something could not be written, in words."""
    if error.errno in FULL:
        return "the disk is full"
    if error.errno == errno.EFBIG:
        return "the file would be larger than this process may write: see `ulimit -f`"
    return error.strerror or str(error)
