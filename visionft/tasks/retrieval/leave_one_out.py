"""Leave-one-out retrieval: each photo asks all the others, and photos of its product should come first.

Products are labels. A photo whose product has no other photo asks nothing, and stays among what is searched. Of photos
at one similarity those of other products come first: what cannot tell photos apart finds nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CELLS = 16_000_000  # similarities held in memory at once
_DECIMALS = 6  # of a cosine: the last bits of equal photos differ with their column, as BLAS has kernels for the edges


class Found(NamedTuple):
    """What each photo that could ask found.

    Attributes:
        queries: (q,) rows of the photos that have another one of their product.
        ranks: (q,) place of the first photo of the product, from 1.
        precision: (q,) average precision in (0, 1]: the mean, over the product's other photos, of the share of its
            photos among those down to that one.
        nearest: (q,) row of the nearest other photo; a photo of another product where several are equally near.
        score: (q,) its cosine, to six decimals.
    """

    queries: NDArray[np.int64]
    ranks: NDArray[np.int64]
    precision: NDArray[np.float64]
    nearest: NDArray[np.int64]
    score: NDArray[np.float32]


def leave_one_out(embeddings: NDArray[np.float32], labels: NDArray[np.integer]) -> Found:
    """Let each photo ask all the others; time grows with the square of the photos, memory does not.

    Args:
        embeddings: (n, E) of length 1, finite.
        labels: (n,) the products.

    Raises:
        ValueError: an embedding is not finite.
    """
    if not np.isfinite(embeddings).all():
        raise ValueError("some embeddings are not finite; the model has diverged")
    _, product, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    queries = np.flatnonzero(sizes[product] > 1)
    step = max(1, _CELLS // max(1, len(labels)))
    columns: list[tuple[int, float, int, float]] = []
    for start in range(0, len(queries), step):
        rows = queries[start : start + step]
        scores = np.round(embeddings[rows] @ embeddings.T, _DECIMALS)
        columns += [_asked(scores[i], product, row) for i, row in enumerate(rows.tolist())]
    ranks, precision, nearest, score = zip(*columns, strict=True) if columns else ((), (), (), ())
    return Found(
        queries,
        np.array(ranks, np.int64),
        np.array(precision),
        np.array(nearest, np.int64),
        np.array(score, np.float32),
    )


def _asked(scores: NDArray[np.float32], product: NDArray[np.int64], row: int) -> tuple[int, float, int, float]:
    """Return rank, average precision, nearest photo and its score from the scores (n,) of one photo beside all."""
    same = product == product[row]
    others = np.sort(scores[~same])
    same[row] = False
    own = np.sort(scores[same])[::-1]
    before = len(others) - np.searchsorted(others, own, side="left")
    places = np.arange(1, len(own) + 1)
    scores[row] = -np.inf
    best = scores.max()
    among = np.flatnonzero(scores == best)
    strangers = among[product[among] != product[row]]
    nearest = int(strangers[0] if len(strangers) else among[0])
    return 1 + int(before[0]), float((places / (places + before)).mean()), nearest, float(best)


def nearest_photos(
    embeddings: NDArray[np.float32], labels: NDArray[np.integer], queries: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the nearest other photos of queries (q,), the nearest first, and their cosines, to six decimals.

    Of equally near ones those of other products come first, as in `leave_one_out`, and then the earlier rows.

    Args:
        embeddings: (n, E) of length 1, finite.
        labels: (n,) the products.
        queries: (q,) rows.
        most: photos of each query; fewer where there are not so many others.

    Returns:
        rows (q, m) and cosines (q, m), m the least of `most` and n - 1.
    """
    most = min(most, len(labels) - 1)
    rows, cosines = np.zeros((len(queries), most), np.int64), np.zeros((len(queries), most), np.float32)
    step = max(1, _CELLS // max(1, len(labels)))
    for start in range(0, len(queries) if most else 0, step):
        part = queries[start : start + step]
        scores = np.round(embeddings[part] @ embeddings.T, _DECIMALS)
        scores[np.arange(len(part)), part] = -np.inf
        for at, (row, own) in enumerate(zip(part.tolist(), scores, strict=True), start):
            near = np.flatnonzero(own >= np.partition(own, -most)[-most])
            rows[at] = near[np.lexsort((near, labels[near] == labels[row], -own[near]))[:most]]
            cosines[at] = own[rows[at]]
    return rows, cosines
