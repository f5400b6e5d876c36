"""Parts of photos as rows of a file: where each lies, and what the network saw of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.auditing.seams import Box


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of photos, one row each.

    Attributes:
        of: (q,) the photo that each is a part of.
        keys: (q,) of each, as of a photo.
        records: every record of the file, mapped into memory.
        rows: (q,) the record of each.
    """

    of: NDArray[np.int64]
    keys: NDArray[np.uint64]
    records: NDArray[Any]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.of)

    def box(self, at: int) -> Box:
        """Return where a part lies in its photo."""
        left, top, right, bottom = self.records["box"][self.rows[at]].tolist()
        return left, top, right, bottom

    def embeddings(self, chosen: slice) -> NDArray[np.float32]:
        """Return the embeddings (m, D) of chosen parts, L2-normalised."""
        return normalised(self.records["embedding"][self.rows[chosen]])


def normalised(raw: NDArray[Any]) -> NDArray[np.float32]:
    """Return vectors (n, D) of length 1."""
    wide = np.asarray(raw, np.float32)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12), np.float32)


def part_keys(keys: NDArray[np.uint64], numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a key for each part of photos with these keys (n,) that have so many parts (n,)."""
    ends = np.cumsum(numbers)
    place = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - numbers, numbers)
    with np.errstate(over="ignore"):
        return np.asarray(np.repeat(keys, numbers) ^ (place + 1).astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93))
