"""Draw sides so that each label has its share of every side (Sechidis et al., ECML 2011), products kept together.

The label of which the fewest photos are left is dealt first: each of its pieces goes to the side that wants that label
most, and of such sides to the one that wants most photos. What may not be torn apart, the photos of a product and
byte-for-byte duplicates, is one piece and counts with all its photos. Unlike sides drawn by a hash, a photo's side may
change when photos are added; the splits.csv of an earlier run keeps those that it knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import TEST, TRAIN, VALIDATION, earlier_sides, piece_keys

_HASH = np.uint64((1 << 63) - 1)
_EQUAL = 1e-9  # shares of photos are products of decimal fractions


def draw(
    table: pa.Table, has: NDArray[np.bool_], validation: float, test: float, earlier: pa.Table | None = None
) -> pa.ChunkedArray:
    """Draw a side for every photo.

    Args:
        table: columns group (nullable) and digest of n photos.
        has: (n, C) which labels the photos are known to have.
        validation: share in (0, 1) that is held out to choose by.
        test: share in [0, 1) that is held out to measure on; validation + test < 1.
        earlier: the splits.csv of an earlier run, whose sides win.

    Returns:
        (n,) strings: train, validation or test.
    """
    distinct, piece = np.unique(piece_keys(table), return_inverse=True)
    counts = np.zeros((len(distinct), has.shape[1]), np.int64)
    np.add.at(counts, piece, has)
    fixed = np.full(len(distinct), -1, np.int8)
    if earlier is not None:
        np.maximum.at(fixed, piece, earlier_sides(table, earlier))
    order = np.argsort(distinct & _HASH, kind="stable")
    sides = np.empty(len(distinct), np.int8)
    shares = (1 - validation - test, validation, test)
    sides[order] = stratify(counts[order], np.bincount(piece)[order], shares, fixed[order])
    return pa.chunked_array([pa.array(SPLITS, pa.string()).take(pa.array(sides[piece]))])


def stratify(
    counts: NDArray[np.int64], sizes: NDArray[np.int64], shares: Sequence[float], fixed: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Return the side (P,) of each piece.

    Args:
        counts: (P, C) photos of each label in each piece.
        sizes: (P,) photos of each piece, from 1.
        shares: of the photos that each side should have, in [0, 1]; a side whose share is 0 gets none.
        fixed: (P,) sides that are given, -1 where one is to be drawn.
    """
    deal = _Deal(counts, sizes, shares)
    for piece in np.flatnonzero(fixed >= 0).tolist():
        deal.give(piece, int(fixed[piece]))
    left = counts[deal.sides < 0].sum(axis=0)
    while left.any():
        label = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        own = np.flatnonzero((deal.sides < 0) & (counts[:, label] > 0))
        for piece in own[np.argsort(-counts[own, label], kind="stable")].tolist():
            deal.give(piece, deal.wanting(deal.labels[:, label]))
            left -= counts[piece]
    rest = np.flatnonzero(deal.sides < 0)
    for piece in rest[np.argsort(-sizes[rest], kind="stable")].tolist():
        deal.give(piece, deal.wanting(deal.photos))
    for side in (VALIDATION, TEST):
        _fill(deal.sides, counts, side, shares, fixed)
    return deal.sides


class _Deal:
    """Pieces dealt so far, and what each side still wants: of photos (S,) and of each label (S, C)."""

    def __init__(self, counts: NDArray[np.int64], sizes: NDArray[np.int64], shares: Sequence[float]) -> None:
        self.counts, self.sizes = counts, sizes
        self.shares = np.asarray(shares, np.float64)
        self.photos = self.shares * sizes.sum()
        self.labels = self.shares[:, None] * counts.sum(axis=0)
        self.sides = np.full(len(sizes), -1, np.int8)

    def wanting(self, wishes: NDArray[np.float64]) -> int:
        """Return the side that wants most of something (S,) and, of equal ones, most photos."""
        open_sides = self.shares > 0
        most = wishes >= wishes[open_sides].max() - _EQUAL
        return int(np.where(open_sides & most, self.photos, -np.inf).argmax())

    def give(self, piece: int, side: int) -> None:
        """Put a piece on a side."""
        self.sides[piece] = side
        self.photos[side] -= self.sizes[piece]
        self.labels[side] -= self.counts[piece]


def _fill(
    sides: NDArray[np.int8], counts: NDArray[np.int64], side: int, shares: Sequence[float], fixed: NDArray[np.int8]
) -> None:
    """Give a side that got nothing a piece of train, if every label stays in train without it; in place."""
    if not shares[side] or (sides == side).any():
        return
    kept = counts[sides == TRAIN].sum(axis=0)
    for piece in np.flatnonzero((sides == TRAIN) & (fixed < 0)).tolist():
        if ((counts[piece] < kept) | (kept == 0)).all() and (sides == TRAIN).sum() > 1:
            sides[piece] = side
            return
