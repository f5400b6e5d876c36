"""Pieces are moved so that every class is trained on, validated and measured where it can be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visionft.data.splitting.minimum_per_class import TEST, TRAIN, VALIDATION, Pieces, stand_in

T, V, X = TRAIN, VALIDATION, TEST


def moved(photos: list[tuple[int, int]], sides: list[int], fixed: tuple[int, ...] = (), **wanted: int) -> list[int]:
    """Return the sides of pieces after the move; photos are (class, piece), keys rise with the pieces."""
    classes, pieces = (np.array(column) for column in zip(*photos, strict=True))
    is_fixed: NDArray[np.bool_] = np.isin(np.arange(len(sides)), fixed)
    made = Pieces(pieces.astype(np.intp), classes, np.arange(len(sides), dtype=np.uint64), is_fixed)
    before = np.array(sides, np.int8)
    found = stand_in(made, before, test=bool(wanted.get("test")), trained=wanted.get("trained", 1))
    assert before.tolist() == sides, "what was given stays"
    return list(found.tolist())


ONE = [(0, piece) for piece in range(4)]


@pytest.mark.parametrize(
    ("sides", "found"),
    [
        ([T, T, V, T], [T, T, V, T]),
        ([V, V, V, V], [V, V, V, T]),  # the highest hash trains
        ([T, T, T, T], [V, T, T, T]),  # the lowest validates
        ([X, X, X, X], [V, X, X, T]),
    ],
)
def test_a_class_that_lacks_a_side_takes_its_first_or_last_piece(sides: list[int], found: list[int]) -> None:
    assert moved(ONE, sides) == found


def test_a_test_piece_is_the_highest_that_leaves_enough() -> None:
    assert moved(ONE, [V, T, T, T], test=1) == [V, T, T, X]
    assert moved(ONE[:2], [T, T], test=1) == [V, T], "two pieces are for training and validation"
    assert moved(ONE[:3], [T, T, T], test=1) == [V, T, X]


def test_more_training_pieces_may_be_asked_for() -> None:
    assert moved(ONE, [V, V, V, V], trained=2) == [V, V, T, T]
    assert moved(ONE[:2], [T, T], trained=2) == [T, T], "none is left for validation"


def test_what_an_earlier_run_has_fixed_stays() -> None:
    assert moved(ONE, [V, V, V, V], fixed=(3,)) == [V, V, T, V]
    assert moved(ONE, [V, V, V, V], fixed=(0, 1, 2, 3)) == [V, V, V, V]


def test_a_piece_of_two_classes_is_not_taken_from_the_one_that_needs_it() -> None:
    photos = [(0, 0), (1, 0), (1, 1), (1, 2)]  # class 0 has one piece alone, which class 1 shares
    assert moved(photos, [T, T, T]) == [T, V, T]


def test_a_piece_that_moved_for_one_class_counts_for_the_other() -> None:
    photos = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    assert moved(photos, [T, T, T]) == [V, T, T]
