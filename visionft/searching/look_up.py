"""From embeddings of queries to the rows that are nearest: exactly, or by neighbours with exact scores afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visionft.searching.nearest import best_of_products, best_rows, cosines, numbered
from visionft.searching.origin import Vectors
from visionft.searching.search_results import Hit
from visionft.searching.sign_bits import SignBits
from visionft.searching.store import GIVEN, Store
from visionft.searching.threshold import Chunk

if TYPE_CHECKING:
    from visionft.searching.neighbours import Neighbours

FEW = 20_000
"""Photos that are compared exactly beside approximate neighbours: those that a condition leaves, or that are new."""
FIRST = 8
"""Times as many neighbours as hits that are asked for at first; four times more while a condition or products leave too
few."""


@dataclass(frozen=True)
class Question:
    """What is asked of an index about each query.

    Attributes:
        top: hits at most.
        per_product: one hit a product, its best photo.
        allowed: (n,) ids of the photos that may be hits, in order; None: all.
    """

    top: int = 10
    per_product: bool = False
    allowed: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Kept:
    """What is the same for every question while the rows are: for a process that answers many of them.

    Attributes:
        near: the approximate neighbours; None: a search is exact.
        rows: every photo with its product, for an exact search; None: they are read for each question.
    """

    near: Neighbours | SignBits | None
    rows: Chunk | None

    @classmethod
    def of(cls, store: Store) -> Kept:
        """Read it from an index; where there are neighbours, the rows stay on disk, as they may be millions."""
        near = neighbours_of(store)
        return cls(near, None if near is not None else together(store.chunks(0)))


def look_up(
    store: Store, queries: Sequence[Vectors], question: Question, kept: Kept | None = None
) -> list[tuple[Hit, ...]]:
    """Return the hits of each query (D,), of length 1, the nearest first.

    Args:
        store: open for reading, within one view of its rows.
        queries: their embeddings.
        question: how many hits, and which.
        kept: of these very rows; None: everything is read from the store.
    """
    gallery = _Gallery(store, question, kept)
    return [gallery.hits(query) for query in queries]


class _Gallery:
    def __init__(self, store: Store, question: Question, kept: Kept | None) -> None:
        self._store, self._asked = store, question
        self._rows = None if kept is None else kept.rows
        few = question.allowed is not None and len(question.allowed) <= FEW
        self._near = None if few else neighbours_of(store) if kept is None else kept.near

    def hits(self, query: Vectors) -> tuple[Hit, ...]:
        chunk = self._all if self._near is None else self._around(query, self._near)
        scores, rows = self._best(chunk, query)
        columns = self._store.rows(chunk.ids[rows].tolist())
        return tuple(hit_of(columns[int(chunk.ids[row])], float(scores[row])) for row in rows)

    @cached_property
    def _all(self) -> Chunk:
        """Every photo that may be a hit."""
        allowed = self._asked.allowed
        if self._rows is not None:
            return self._permitted(self._rows)
        if allowed is not None and len(allowed) <= FEW:
            return self._store.chunk_of(allowed)
        return self._read(0)

    @cached_property
    def _new(self) -> Chunk:
        """Photos that the neighbours do not know yet."""
        return self._read(self._near.last if self._near else 0)

    def _read(self, after: int) -> Chunk:
        """Read photos with ids above `after`; with their products, which takes longer, where these are asked for."""
        if self._asked.per_product:
            return self._permitted(together(self._store.chunks(after)))
        return self._permitted(together(Chunk(ids, rows, [], []) for ids, rows in self._store.vectors(after)))

    def _around(self, query: Vectors, near: Neighbours | SignBits) -> Chunk:
        """Return photos near a query, the nearest surely among them, and enough of them."""
        number = FIRST * self._asked.top
        while number <= FEW:
            ids = np.unique(near.nearest(query, number))
            found = self._store.chunk_of(self._permitted_ids(ids[ids <= near.last]))
            chunk = together([found, self._new])
            if len(self._best(chunk, query)[1]) >= self._asked.top:
                return chunk
            number *= 4
        return self._all

    def _best(self, chunk: Chunk, query: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if not len(chunk.ids):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        scores = cosines(chunk.vectors, query)
        if self._asked.per_product:
            return scores, best_of_products(scores, self._products(chunk), self._asked.top)
        return scores, best_rows(scores, self._asked.top)

    def _products(self, chunk: Chunk) -> NDArray[np.int64]:
        return self._all_products if chunk is self.__dict__.get("_all") else numbered(chunk.products)

    @cached_property
    def _all_products(self) -> NDArray[np.int64]:
        """The number of the product of every photo that may be a hit: counted once for all queries."""
        return numbered(self._all.products)

    def _permitted_ids(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return ids if self._asked.allowed is None else ids[np.isin(ids, self._asked.allowed)]

    def _permitted(self, chunk: Chunk) -> Chunk:
        if self._asked.allowed is None:
            return chunk
        kept = np.flatnonzero(np.isin(chunk.ids, self._asked.allowed))
        products = [chunk.products[row] for row in kept] if chunk.products else []
        return Chunk(chunk.ids[kept], chunk.vectors[kept], products, [])


def neighbours_of(store: Store) -> Neighbours | SignBits | None:
    """Return the approximate neighbours of an index; None where it has none."""
    if store.fact("neighbours") is None:
        return None  # an exact search needs no USearch, which an environment for serving may lack
    if store.kind == "binary":
        return SignBits.of(store)
    from visionft.searching.neighbours import Neighbours

    return Neighbours.of(store)


def together(chunks: Iterable[Chunk], *, with_digests: bool = False) -> Chunk:
    """Return chunks as one; without the digests, which no query is looked up by, unless asked for."""
    several = [chunk for chunk in chunks if len(chunk.ids)]
    if not several:
        return Chunk(np.empty(0, np.int64), np.empty((0, 0), np.float32), [], [])
    return Chunk(
        np.concatenate([chunk.ids for chunk in several]),
        np.concatenate([chunk.vectors for chunk in several]),
        [product for chunk in several for product in chunk.products],
        [mark for chunk in several for mark in chunk.digests] if with_digests else [],
    )


def hit_of(columns: dict[str, object], score: float) -> Hit:
    """Return a photo by its columns and its cosine."""
    path, label, _, group = (columns[name] for name in GIVEN)
    others = {name: value for name, value in columns.items() if name not in ("path", "label", "group")}
    return Hit(str(path), score, _text(label), _text(group), others)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
