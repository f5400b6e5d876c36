"""Records of one size in a file that is only ever added to: kept between audits, and read without loading it."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.data.caches import cache_folder
from visionft.errors import DiskSpaceError

CHECK = "check"  # the field that holds the CRC-32 of the others


class RecordFile:
    """A growing table on disk. A process that is killed while it writes leaves at most a torn record, which is cut off.

    Args:
        path: of the file; made when something is added.
        dtype: of one record, without `check`; `key` is a field of it, uint64.
    """

    def __init__(self, path: Path, dtype: Sequence[tuple[Any, ...]]) -> None:
        self.path = path
        self.dtype = np.dtype([*dtype, (CHECK, "<u4")])

    def add(self, records: NDArray[Any]) -> None:
        """Append records (n,).

        Raises:
            DiskSpaceError: the disk does not take them.
        """
        filled = np.array(records, self.dtype)
        filled[CHECK] = _checks(filled)
        try:
            self._append(filled.tobytes())
        except OSError as error:
            raise DiskSpaceError(
                f"{self.path} cannot be written ({error.strerror}); make room, or name another folder for caches in "
                f"${cache_folder.VARIABLE}"
            ) from error

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file closes
            file.truncate(os.fstat(file.fileno()).st_size // self.dtype.itemsize * self.dtype.itemsize)
            file.write(data)

    def read(self) -> NDArray[Any]:
        """Return every whole record (n,), mapped into memory where there is one."""
        number = self.path.stat().st_size // self.dtype.itemsize if self.path.is_file() else 0
        if not number:
            return np.empty(0, self.dtype)
        return np.memmap(self.path, self.dtype, mode="r", shape=(number,))

    def empty(self, number: int) -> NDArray[Any]:
        """Return zeroed records (number,) to be filled and added."""
        return np.zeros(number, self.dtype)


def places(records: NDArray[Any], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the newest row (n,) of each key among records, -1 where it is unknown or that record is damaged."""
    if not len(records):
        return np.full(len(keys), -1, np.int64)
    known = np.asarray(records["key"])
    order = np.argsort(known, kind="stable")
    # The last of equal ones: where a damaged record was made again, both are there.
    at = np.maximum(np.searchsorted(known[order], keys, side="right") - 1, 0)
    rows = order[at]
    sound = known[rows] == keys
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        sound[part] &= _checks(np.asarray(records[rows[part]])) == records[CHECK][rows[part]]
    return np.where(sound, rows, -1)


def _checks(records: NDArray[Any]) -> NDArray[np.uint32]:
    bare = records.copy()
    bare[CHECK] = 0
    return np.array([zlib.crc32(record.tobytes()) for record in bare], np.uint32)
