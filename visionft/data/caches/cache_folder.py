"""Where what can be computed again is kept between runs: nothing in it is ever the only copy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from visionft.files.cache_root import VARIABLE, root

__all__ = ["VARIABLE", "files", "root", "sizes", "stats"]


def files(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield every file under a folder, links as such, never what they point to; nothing where there is no folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # not there, or another process has just removed it
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files(entry.path)
        else:
            yield entry


def stats(folder: str | Path) -> Iterator[os.stat_result]:
    """Yield what the system says of every file under a folder; of several names of one file, as often."""
    for file in files(folder):
        with suppress(OSError):  # another process has just removed it
            yield file.stat(follow_symlinks=False)


def sizes(folder: str | Path) -> Iterator[int]:
    """Yield the bytes of every file under a folder."""
    yield from (one.st_size for one in stats(folder))
