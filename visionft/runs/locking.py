"""One live process a run folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionft.errors import RunBusyError
from visionft.runs.layout import LOCK


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the run folder's lock; the kernel lets go of it when the process ends, however it ends.

    Raises:
        RunBusyError: another live process holds it.
    """
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise RunBusyError(
                f"{folder} is in use by another process (number {owner}); wait for it, stop it, or choose another --out"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
