"""Candidates by the signs of all vectors: a bit a number, gone through whole; exact scores come afterwards.

Nothing is linked, so it is made in one pass over the vectors, where a graph takes hours for millions. The signs are of
what is left of a vector without the mean of all: embeddings share a direction, in which a sign says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft.files.temporary import new_file
from visionft.searching.origin import Vectors
from visionft.searching.store import SIGNS, Store
from visionft.searching.stored_vectors import signs

Progress = Callable[[int, int], None]

WIDER = 10
"""Times as many candidates as are asked for (benchmarks/vector_search.py has the recall)."""
SHORTLIST = 10_000
"""Rows with most signs in common; of these those are taken that lie along the query by its numbers, not its signs."""


def build(store: Store, on_progress: Progress | None = None) -> None:
    """Write the signs of all vectors, and replace the file whole; `store` is open for writing."""
    total, number, numbers = np.zeros(0), len(store), 0
    for _, vectors in store.vectors():
        total = vectors.sum(axis=0, dtype=np.float64) + (total if numbers else 0.0)
        numbers += len(vectors)
    centre = np.asarray(total / max(numbers, 1), np.float32)
    temporary = new_file(store.folder / SIGNS, ".tmp")
    try:
        last, done = 0, 0
        rows = np.lib.format.open_memmap(temporary, "w+", _layout(len(centre)), (numbers,))
        for ids, vectors in store.vectors():
            part = rows[done : done + len(ids)]
            part["id"], bits = ids, signs(vectors, centre)
            part["bits"][:, : bits.shape[1]] = bits  # the file begins as zeros
            last, done = int(ids[-1]), done + len(ids)
            if on_progress:
                on_progress(done, number)
        rows.flush()
        del rows
        with store.transaction():
            store.keep("neighbours", None)  # new signs are of the new mean alone: until it is kept, a search is exact
        temporary.replace(store.folder / SIGNS)
    finally:
        temporary.unlink(missing_ok=True)
    with store.transaction():
        store.keep("centre", centre.tolist())
        store.keep("neighbours", last)


def _layout(numbers: int) -> np.dtype[np.void]:
    words = -(-numbers // 64)
    return np.dtype([("id", "<i8"), ("bits", "u1", (8 * words,))])


class SignBits:
    """The signs of an index that is searched; the file is mapped into memory."""

    def __init__(self, rows: NDArray[np.void], centre: Vectors, last: int) -> None:
        self._ids, self._bits, self._centre, self.last = rows["id"], rows["bits"], centre, last
        self._words = np.ascontiguousarray(np.ascontiguousarray(self._bits).view("<u8").T)

    @classmethod
    def of(cls, store: Store) -> SignBits | None:
        """Open the signs of an index; None where there are none, or the file is damaged: a search is exact then."""
        last, centre = store.fact("neighbours"), store.fact("centre")
        rows = None if last is None or centre is None else opened(store.folder)
        if rows is None or rows.dtype != _layout(len(centre)):
            return None
        return cls(rows, np.array(centre, np.float32), last)

    def nearest(self, query: Vectors, number: int) -> NDArray[np.int64]:
        """Return the ids (k,) of the candidates for the `number` nearest of a query (D,), k = min(10 number, all)."""
        k = min(WIDER * number, len(self._ids))
        near = self._alike(query, max(k, SHORTLIST))
        if k < len(near):
            above = np.unpackbits(self._bits[near], axis=1)[:, : len(query)].astype(np.float32)
            near = near[np.argpartition(-(above @ (query - self._centre)), k - 1)[:k]]
        return np.asarray(self._ids[near], np.int64)

    def _alike(self, query: Vectors, number: int) -> NDArray[np.int64]:
        """Return the rows with the most signs in common with a query (D,): `number` or more, or all."""
        bits = _padded(signs(query[None], self._centre), len(self._words))[0]
        apart = np.zeros(len(self._ids), np.uint16)
        for words, own in zip(self._words, bits, strict=True):
            apart += np.bitwise_count(words ^ own)
        so_far = np.cumsum(np.bincount(apart))
        return np.flatnonzero(apart <= np.searchsorted(so_far, min(number, len(apart))))

    def nearest_of_each(self, queries: Vectors, number: int) -> NDArray[np.int64]:
        """Return the ids (m, k) for each query (m, D), as `nearest`."""
        return np.stack([self.nearest(query, number) for query in queries])


def opened(folder: Path) -> NDArray[np.void] | None:
    """Map the file of signs; None where it is missing or damaged."""
    try:
        rows = np.load(folder / SIGNS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return rows if rows.dtype.names == ("id", "bits") and rows.ndim == 1 else None


def _padded(bits: NDArray[np.uint8], words: int) -> NDArray[np.uint64]:
    wide = np.zeros((len(bits), 8 * words), np.uint8)
    wide[:, : bits.shape[1]] = bits
    return wide.view("<u8")
