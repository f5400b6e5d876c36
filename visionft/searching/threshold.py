"""Where "not in the catalogue" begins: a cosine fitted to the indexed photos themselves, each asked without itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.searching.origin import Vectors

QUERIES = 2000
"""Photos that are asked, at most: a rate of 5 % of them is known to within 1 %."""
FEWEST = 10
"""Of each kind of query: from fewer, a rate would say nothing."""


@dataclass(frozen=True)
class Threshold:
    """The least cosine of a hit that is a product of the catalogue.

    Attributes:
        value: the cosine.
        false_accept: share in [0, 1] of photos whose product was taken out that are found all the same.
        false_reject: share in [0, 1] of photos whose product is there that are refused.
        negatives: photos that the first share is of.
        positives: photos that the second share is of.
    """

    value: float
    false_accept: float
    false_reject: float
    negatives: int
    positives: int

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Threshold:
        """Read what `to_json` returned."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"a photo is not in the catalogue below {self.value:.4f}: of indexed photos whose product was taken out "
            f"{self.false_accept:.1%} are found all the same ({self.negatives:,} asked), of those whose product is "
            f"there {self.false_reject:.1%} are refused ({self.positives:,} asked)"
        )


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some photos of an index.

    Attributes:
        ids: (m,) by which the index knows them.
        vectors: (m, D) of length 1.
        products: m names; None: the photo has none.
        digests: m digests of the photos' bytes.
    """

    ids: NDArray[np.int64]
    vectors: Vectors
    products: list[str | None]
    digests: list[bytes]


def leave_one_out(queries: Chunk, gallery: Iterable[Chunk]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the best cosine of each query with its own product, and with any other, each (q,); -inf: there is none.

    A photo with the bytes of the query, itself and copies alike, is not asked: it would be found at any threshold.
    Photos without a product are passed over, as they may show the query's.
    """
    own = np.full(len(queries.products), -np.inf, np.float32)
    other = own.copy()
    names = {name: number for number, name in enumerate(dict.fromkeys(queries.products))}
    files = {digest: number for number, digest in enumerate(dict.fromkeys(queries.digests))}
    asked = np.array([names[name] for name in queries.products])[:, None]
    digests = np.array([files[digest] for digest in queries.digests])[:, None]
    for chunk in gallery:
        numbers = np.array([-2 if name is None else names.get(name, -1) for name in chunk.products])[None]
        scores = np.asarray(queries.vectors @ chunk.vectors.T, np.float32)
        same = asked == numbers
        copy = digests == np.array([files.get(digest, -1) for digest in chunk.digests])[None]
        own = np.maximum(own, np.where(same & ~copy, scores, -np.inf).max(axis=1, initial=-np.inf))
        other = np.maximum(other, np.where(same | copy | (numbers == -2), -np.inf, scores).max(axis=1, initial=-np.inf))
    return own, other


def best_cut(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Return the cosine with the least sum of both false rates, midway between the scores that it parts.

    Args:
        positive: (p,) best cosines of queries with their own product; below the cut they are refused.
        negative: (n,) best cosines with other products; from the cut on they are accepted.
    """
    scores = np.unique(np.concatenate([positive, negative])).astype(np.float64)
    cuts = np.concatenate([[scores[0] - 1e-6], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1e-6]])
    refused = np.searchsorted(np.sort(positive), cuts, side="left") / len(positive)
    accepted = 1 - np.searchsorted(np.sort(negative), cuts, side="left") / len(negative)
    total = refused + accepted
    best = np.flatnonzero(total <= total.min() + 1e-12)
    return float(cuts[best[len(best) // 2]])


def rates(cut: float, positive: NDArray[np.float32], negative: NDArray[np.float32]) -> tuple[float, float]:
    """Return the share of negatives from the cut on, and that of positives below it."""
    return float((negative >= cut).mean()), float((positive < cut).mean())


def fit_threshold(queries: Chunk, gallery: Callable[[], Iterable[Chunk]]) -> Threshold | str:
    """Fit a threshold; a sentence says why there is none.

    The rates are of cuts that were fitted to the other half of the products, so that they are not flattered; the value
    is fitted to all.

    Args:
        queries: photos with products.
        gallery: yields all photos, those of the queries among them.
    """
    if not queries.products:
        return "no photo of the index has a product or class to fit a threshold from"
    own, other = leave_one_out(queries, gallery())
    known, strange = np.isfinite(own), np.isfinite(other)
    if known.sum() < FEWEST or strange.sum() < FEWEST:
        return (
            f"{int(known.sum())} photos have another of their product beside them and {int(strange.sum())} one of "
            f"another product, which is too few to fit a threshold from; each needs {FEWEST}"
        )
    names = {name: number for number, name in enumerate(dict.fromkeys(queries.products))}
    half = np.array([names[name] % 2 for name in queries.products])
    cut = best_cut(own[known], other[strange])
    accepted, refused = [], []
    for side in (0, 1):
        fitted = [np.isfinite(scores) & (half != side) for scores in (own, other)]
        enough = all(chosen.any() for chosen in fitted)
        held = best_cut(own[fitted[0]], other[fitted[1]]) if enough else cut
        refused.append(own[known & (half == side)] < held)
        accepted.append(other[strange & (half == side)] >= held)
    shares = [float(np.concatenate(parts).mean()) for parts in (accepted, refused)]
    return Threshold(cut, shares[0], shares[1], int(strange.sum()), int(known.sum()))
