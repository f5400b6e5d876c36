"""Approximate neighbours of many vectors, by USearch's graph (HNSW, arXiv 1603.09320); exact scores come afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from visionft.compat.usearch_index import Index
from visionft.files.temporary import new_file
from visionft.machine.cores import cores
from visionft.searching import sign_bits
from visionft.searching.nearest import best_rows, cosines
from visionft.searching.origin import Vectors
from visionft.searching.sign_bits import SignBits
from visionft.searching.store import NEIGHBOURS, SIGNS, Store
from visionft.searching.stored_vectors import Kind

Progress = Callable[[int, int], None]

SLOW = 0.02
"""Seconds of an exact search above which approximate neighbours are built."""
MEASURED = 65_536
"""Vectors that the exact search is timed on, at most; its time grows with their number."""
STALE = 0.25
"""Share of vectors that are gone above which the graph is built anew, and not mended."""


def exact_seconds(store: Store, number: int) -> float:
    """Return what one exact search over all vectors takes here, by timing it on some of them."""
    parts, held = [], 0
    for _, vectors in store.vectors():
        parts.append(vectors)
        held += len(vectors)
        if held >= MEASURED:
            break
    if not parts:
        return 0.0
    some = np.concatenate(parts)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        best_rows(cosines(some, some[0]), 10)
        times.append(time.perf_counter() - began)
    return median(times) * number / held


def build(store: Store, on_progress: Progress | None = None) -> None:
    """Write the file of neighbours of all vectors, or bring it up to them, and replace it whole.

    Args:
        store: open for writing.
        on_progress: called with (vectors done, vectors in all).
    """
    if store.kind == "binary":
        sign_bits.build(store, on_progress)
        return
    ids = store.ids()
    graph = _kept(store.folder, ids) or _empty(store.require_origin().numbers, store.kind)
    there = np.sort(np.asarray(graph.keys, np.int64)) if len(graph) else np.empty(0, np.int64)
    for key in np.setdiff1d(there, ids).tolist():
        graph.remove(key)
    done = len(np.intersect1d(there, ids))
    for some, vectors in store.vectors():
        new = ~np.isin(some, there)
        if new.any():
            graph.add(some[new].astype(np.uint64), np.ascontiguousarray(vectors[new]), threads=cores())
            done += int(new.sum())
        if on_progress:
            on_progress(done, len(ids))
    temporary = new_file(store.folder / NEIGHBOURS, ".tmp")
    try:
        graph.save(str(temporary))
        temporary.replace(store.folder / NEIGHBOURS)
    finally:
        temporary.unlink(missing_ok=True)
    store.keep("neighbours", int(ids.max(initial=0)))


def _empty(numbers: int, kind: Kind) -> Index:
    # Recall and time of these are in benchmarks/visual_search.py.
    dtype = "i8" if kind == "int8" else "f16"
    return Index(ndim=numbers, metric="cos", dtype=dtype, connectivity=16, expansion_add=128, expansion_search=256)


def drop(store: Store) -> None:
    """Do without neighbours: an exact search is quick."""
    store.keep("neighbours", None)
    for name in (NEIGHBOURS, SIGNS):
        (store.folder / name).unlink(missing_ok=True)


def lost(store: Store) -> bool:
    """Tell whether an index had a file of neighbours that is gone or damaged."""
    if store.fact("neighbours") is None:
        return False
    if store.kind == "binary":
        return SignBits.of(store) is None
    return _opened(store.folder, view=True) is None


def _kept(folder: Path, ids: NDArray[np.int64]) -> Index | None:
    """Return the graph of an earlier pass, where so much of it is still true that mending it is quicker."""
    graph = _opened(folder, view=False)
    if graph is None:
        return None
    gone = len(np.setdiff1d(np.asarray(graph.keys, np.int64), ids))
    return graph if gone <= STALE * max(1, len(graph)) else None


def _opened(folder: Path, *, view: bool) -> Index | None:
    if not os.path.lexists(folder / NEIGHBOURS):
        return None
    try:
        graph = Index.restore(str(folder / NEIGHBOURS), view=view)
    except Exception:  # noqa: BLE001  # USearch raises plain RuntimeError and its kin for a damaged file
        return None  # the rows have all that it has: a search is exact without it, and the next pass builds it
    return graph


class Neighbours:
    """The graph of an index that is searched; its file is mapped into memory, not read."""

    def __init__(self, graph: Index, last: int) -> None:
        self._graph, self.last = graph, last

    @classmethod
    def of(cls, store: Store) -> Neighbours | None:
        """Open the neighbours of an index; None where it has none."""
        last = store.fact("neighbours")
        graph = None if last is None else _opened(store.folder, view=True)
        return None if graph is None or last is None else cls(graph, last)

    def nearest(self, query: Vectors, number: int) -> NDArray[np.int64]:
        """Return the ids (k,) of about the `number` nearest of a query (D,); those of photos that are gone as well."""
        found = self._graph.search(query, min(number, len(self._graph)))
        return np.asarray(found.keys, np.int64).reshape(-1)

    def nearest_of_each(self, queries: Vectors, number: int) -> NDArray[np.int64]:
        """Return the ids (m, k) of about the `number` nearest of each query (m, D), k = min(number, all)."""
        found = self._graph.search(np.ascontiguousarray(queries), min(number, len(self._graph)), threads=cores())
        return np.asarray(found.keys, np.int64).reshape(len(queries), -1)
