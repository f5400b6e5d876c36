"""Give every class a training photo, and where they can be had a validation and a test photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Pieces:
    """Which classes have photos in which pieces; a piece is what may not be torn apart.

    Attributes:
        of_photo: (n,) piece of every photo, in [0, P).
        classes: (n,) class of every photo, in [0, C).
        keys: (P,) hash of every piece, ascending.
        fixed: (P,) bool, pieces whose side an earlier run has fixed.
    """

    of_photo: NDArray[np.intp]
    classes: NDArray[np.int64]
    keys: NDArray[np.uint64]
    fixed: NDArray[np.bool_]


class _Holdings:
    """The pieces of each class and the classes of each piece, ascending."""

    def __init__(self, pieces: Pieces) -> None:
        size = len(pieces.keys)
        # The low bits of a key are the hash, whether or not the piece is a product.
        self.rank = np.argsort(np.argsort(pieces.keys & np.uint64((1 << 63) - 1), kind="stable"))
        pairs = np.unique(pieces.classes * size + pieces.of_photo)
        self.classes, self.pieces = pairs // size, pairs % size
        self.count = int(self.classes[-1]) + 1 if len(pairs) else 0
        self._by_piece = np.argsort(self.pieces, kind="stable")

    def of_class(self, index: int) -> NDArray[np.int64]:
        """Return the pieces of one class in order of their hash."""
        start, stop = np.searchsorted(self.classes, [index, index + 1])
        return self.pieces[start:stop][np.argsort(self.rank[self.pieces[start:stop]])]

    def of_piece(self, piece: int) -> NDArray[np.int64]:
        start, stop = np.searchsorted(self.pieces, [piece, piece + 1], sorter=self._by_piece)
        return self.classes[self._by_piece[start:stop]]

    def on(self, sides: NDArray[np.int8], side: int) -> NDArray[np.int64]:
        """Count the pieces (C,) that each class has on a side."""
        return np.bincount(self.classes[sides[self.pieces] == side], minlength=self.count)


def stand_in(pieces: Pieces, sides: NDArray[np.int8], *, test: bool = False, trained: int = 1) -> NDArray[np.int8]:
    """Return `sides` (P,) with pieces moved for classes that a side lacks.

    A class with fewer than `trained` training pieces takes its highest hashes; then one without a validation piece
    takes its lowest; then, if photos are held out to measure on (`test`), one without a test piece takes its highest.
    No class comes below `trained` training pieces or one validation piece by that, and pieces that an earlier run has
    fixed stay.
    """
    held, sides = _Holdings(pieces), sides.copy()
    for index in np.flatnonzero(held.on(sides, TRAIN) < trained).tolist():
        own = held.of_class(index)
        for _ in range(trained - int((sides[own] == TRAIN).sum())):
            _move(own[::-1], lambda piece: not pieces.fixed[piece] and bool(sides[piece] != TRAIN), sides, TRAIN)
    _fill(VALIDATION, pieces, held, sides, kept={TRAIN: trained})
    if test:
        _fill(TEST, pieces, held, sides, kept={TRAIN: trained, VALIDATION: 1})
    return sides


def _fill(side: int, pieces: Pieces, held: _Holdings, sides: NDArray[np.int8], kept: Mapping[int, int]) -> None:
    """Give every class a piece on `side`, as long as no class has fewer on a side of `kept` by that than it names."""
    left = {other: held.on(sides, other) for other in kept}

    def can_go(piece: int) -> bool:
        now = int(sides[piece])
        enough = now not in kept or bool((left[now][held.of_piece(piece)] > kept[now]).all())
        return not pieces.fixed[piece] and enough

    for index in np.flatnonzero(held.on(sides, side) == 0).tolist():
        own = held.of_class(index)
        if (sides[own] == side).any():
            continue  # a piece that another class moved holds photos of this one too
        moved = _move(own[::-1] if side == TEST else own, can_go, sides, side)
        if moved is not None and moved[1] in left:
            left[moved[1]][held.of_piece(moved[0])] -= 1


def _move(
    candidates: NDArray[np.int64], allowed: Callable[[int], bool], sides: NDArray[np.int8], side: int
) -> tuple[int, int] | None:
    """Move the first allowed piece; return it with the side it had."""
    for piece in candidates.tolist():
        if allowed(piece):
            before = int(sides[piece])
            sides[piece] = side
            return piece, before
    return None
