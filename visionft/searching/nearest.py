"""The nearest of many vectors by cosine, exactly; the best photo of each product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visionft.searching.origin import Vectors

Scores = NDArray[np.float32]
Rows = NDArray[np.int64]


def cosines(vectors: Vectors, query: Vectors) -> Scores:
    """Return the cosine (n,) in [-1, 1] of vectors (n, D) and a query (D,), all of length 1."""
    return np.asarray(vectors @ query, np.float32)


def best_rows(scores: Scores, top: int) -> Rows:
    """Return the rows (k,) of the `top` highest scores (n,), the highest first, k = min(top, n).

    Of equal scores the lower row comes first, so that the same index gives the same answer everywhere.
    """
    if top < len(scores):
        least = np.partition(scores, len(scores) - top)[len(scores) - top]
        rows = np.flatnonzero(scores >= least)
    else:
        rows = np.arange(len(scores))
    order = np.argsort(-scores[rows], kind="stable")
    return np.asarray(rows[order][:top], np.int64)


def best_of_products(scores: Scores, products: NDArray[np.int64], top: int) -> Rows:
    """Return the row of the best photo of each of the `top` best products, the best first.

    Args:
        scores: (n,) of photos.
        products: (n,) a number for each product.
        top: products at most.
    """
    order = np.argsort(-scores, kind="stable")
    first = np.unique(products[order], return_index=True)[1]
    return np.asarray(order[np.sort(first)[:top]], np.int64)


def numbered(products: list[str | None]) -> NDArray[np.int64]:
    """Return a number (n,) for each product; a photo without one is a product of its own."""
    known: dict[str, int] = {}
    return np.array(
        [~row if name is None else known.setdefault(name, len(known)) for row, name in enumerate(products)], np.int64
    )
