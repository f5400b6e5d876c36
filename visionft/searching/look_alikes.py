"""Pairs of photos of one catalogue that are near each other, and groups of photos with the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visionft.searching.look_up import FEW, neighbours_of, together
from visionft.searching.nearest import cosines, numbered
from visionft.searching.store import Store
from visionft.searching.threshold import Chunk

if TYPE_CHECKING:
    from visionft.searching.neighbours import Neighbours
    from visionft.searching.sign_bits import SignBits

Progress = Callable[[int, int], None]
Pairs = NDArray[np.int64]
Scores = NDArray[np.float32]

MOST = 20
"""Look-alikes of one photo that are told: one placeholder picture in ten thousand files would else be 50 million."""
BLOCK = 512
"""Photos that are compared with all others at one time."""
NARROWED = 160
"""Neighbours that are asked for where products or a condition leave some of them out."""
_NONE = np.float32(-2)
_LEAST = -1.5  # above it a pair was compared


def copies(store: Store, allowed: NDArray[np.int64] | None = None) -> list[list[int]]:
    """Return the ids of photos with the same bytes, a list a group, both in order.

    Args:
        store: open for reading.
        allowed: (n,) ids of the photos that count, in order; None: all.
    """
    groups: dict[bytes, list[int]] = {}
    for number, mark in store.connection.execute(
        "SELECT photo_number, photo_sha256 FROM photos WHERE photo_sha256 IN "
        "(SELECT photo_sha256 FROM photos GROUP BY photo_sha256 HAVING count(*) > 1) ORDER BY photo_number"
    ):
        groups.setdefault(mark, []).append(number)
    known = None if allowed is None else set(allowed.tolist())
    kept = [[each for each in group if known is None or each in known] for group in groups.values()]
    return [group for group in kept if len(group) > 1]


def look_alikes(
    store: Store,
    above: float,
    *,
    per_product: bool = False,
    allowed: NDArray[np.int64] | None = None,
    on_progress: Progress | None = None,
) -> tuple[Pairs, Scores]:
    """Return the ids (p, 2) of photos that are near each other and their cosines (p,), the nearest first.

    Of photos with the same bytes one stands for all. Each photo has its `MOST` nearest at most.

    Args:
        store: open for reading, within one view of its rows.
        above: the least cosine.
        per_product: only photos of two products, and of each two products the nearest pair; a photo without a product
            (group) is one of its class, and without that a product of its own.
        allowed: (n,) ids of the photos that count, in order; None: all.
        on_progress: called with (photos compared, photos in all).
    """
    everything = _one_of_copies(together(store.chunks(0), with_digests=True), allowed)
    products = numbered(everything.products) if len(everything.ids) else np.empty(0, np.int64)
    near = neighbours_of(store) if len(everything.ids) > FEW else None
    never = products if per_product else np.arange(len(products))  # a photo, or a product, is none of itself
    asked = NARROWED if per_product or allowed is not None else 2 * MOST
    blocks = _exact(everything, never) if near is None else _approximate(everything, never, near, asked)
    rows, scores = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    done = 0
    for first, second, score in blocks:
        keep = score >= max(above, _LEAST)
        rows.append(np.stack([first[keep], second[keep]], axis=1))
        scores.append(score[keep])
        done = min(done + BLOCK, len(everything.ids))
        if on_progress:
            on_progress(done, len(everything.ids))
    pairs, values = _unique(np.concatenate(rows), np.concatenate(scores))
    if per_product:
        pairs, values = _best_of_products(pairs, values, products)
    return everything.ids[pairs], values


def _one_of_copies(chunk: Chunk, allowed: NDArray[np.int64] | None) -> Chunk:
    rows = np.arange(len(chunk.ids)) if allowed is None else np.flatnonzero(np.isin(chunk.ids, allowed))
    seen: set[bytes] = set()
    kept = []
    for row in rows.tolist():
        if chunk.digests[row] not in seen:
            seen.add(chunk.digests[row])
            kept.append(row)
    return Chunk(chunk.ids[kept], chunk.vectors[kept], [chunk.products[row] for row in kept], [])


Block = tuple[NDArray[np.int64], NDArray[np.int64], Scores]


def _exact(chunk: Chunk, never: NDArray[np.int64]) -> Iterator[Block]:
    """Yield rows, their nearest rows and the cosines, of some photos at a time.

    Args:
        chunk: all photos.
        never: (n,) a number a photo; those of one number are no look-alikes.
    """
    for start in range(0, len(chunk.ids), BLOCK):
        scores = chunk.vectors[start : start + BLOCK] @ chunk.vectors.T
        scores[never[start : start + BLOCK, None] == never] = _NONE
        yield _best(scores, np.broadcast_to(np.arange(len(chunk.ids)), scores.shape), start)


def _approximate(chunk: Chunk, never: NDArray[np.int64], near: Neighbours | SignBits, asked: int) -> Iterator[Block]:
    """Yield the same by so many approximate neighbours; those that these do not know yet are compared exactly."""
    new = np.flatnonzero(chunk.ids > near.last)
    for start in range(0, len(chunk.ids), BLOCK):
        some = chunk.vectors[start : start + BLOCK]
        found = near.nearest_of_each(some, asked)
        at = np.minimum(np.searchsorted(chunk.ids, found), len(chunk.ids) - 1)
        others = np.concatenate([at, np.broadcast_to(new, (len(some), len(new)))], axis=1)
        there = np.concatenate([chunk.ids[at] == found, np.ones((len(some), len(new)), bool)], axis=1)
        scores = np.stack([cosines(chunk.vectors[row], query) for row, query in zip(others, some, strict=True)])
        scores[~there | (never[others] == never[start : start + BLOCK, None])] = _NONE
        yield _best(scores, others, start)


def _best(scores: Scores, others: NDArray[np.int64], start: int) -> Block:
    """Return the `MOST` best of each row of scores (m, k), with the rows that they belong to."""
    if scores.shape[1] > MOST:
        columns = np.argpartition(scores, -MOST, axis=1)[:, -MOST:]
        scores = np.take_along_axis(scores, columns, axis=1)
        others = np.take_along_axis(others, columns, axis=1)
    first = np.repeat(np.arange(start, start + len(scores)), scores.shape[1])
    return first, others.reshape(-1), scores.reshape(-1)


def _unique(pairs: Pairs, scores: Scores) -> tuple[Pairs, Scores]:
    """Return each pair once, the nearest first; of equal cosines those of lower rows."""
    found, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    order = np.argsort(-scores[first], kind="stable")
    return found[order], scores[first][order]


def _best_of_products(pairs: Pairs, scores: Scores, products: NDArray[np.int64]) -> tuple[Pairs, Scores]:
    _, first = np.unique(np.sort(products[pairs], axis=1), axis=0, return_index=True)
    kept = np.sort(first)
    return pairs[kept], scores[kept]
