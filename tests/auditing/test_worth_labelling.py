"""Which photos are worth labelling, on clouds of points whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visionft.auditing.worth_labelling import typical, uncertain
from visionft.metrics import unit

Points = NDArray[np.float32]


@pytest.fixture
def clouds() -> tuple[Points, NDArray[np.int64]]:
    """Return 4 clouds of 60, 40, 30 and 20 points around directions of their own, and the cloud of each."""
    random = np.random.default_rng(0)
    of = np.repeat(np.arange(4), (60, 40, 30, 20))
    middle = np.eye(4, 16)[of]
    return unit((middle + random.normal(0, 0.12, (150, 16))).astype(np.float32)), of


def test_the_first_typical_photos_are_one_of_each_part_the_largest_first(
    clouds: tuple[Points, NDArray[np.int64]],
) -> None:
    points, of = clouds
    chosen = typical(points, np.empty(0, np.int64), 4)
    assert of[chosen].tolist() == [0, 1, 2, 3]
    for row in chosen:
        own = points[of == of[row]]
        near = np.sort(1 - own @ own.T, axis=1)[:, 1:21].mean(axis=1)
        assert near[np.flatnonzero(of == of[row]).tolist().index(row)] == pytest.approx(near.min(), abs=0.02)
    assert np.array_equal(chosen, typical(points, np.empty(0, np.int64), 4))


def test_what_is_labelled_is_neither_chosen_nor_covered_again(clouds: tuple[Points, NDArray[np.int64]]) -> None:
    points, of = clouds
    labelled = np.array([0, 60])
    chosen = typical(points, labelled, 2)
    assert sorted(of[chosen].tolist()) == [2, 3]
    every = typical(points, labelled, 1000)
    assert sorted(every.tolist()) == sorted(set(range(150)) - {0, 60})
    assert len(typical(points, np.arange(150), 5)) == 0


def test_uncertain_photos_lie_between_the_classes_and_apart(clouds: tuple[Points, NDArray[np.int64]]) -> None:
    points, _of = clouds
    between = unit(np.eye(4, 16)[[0, 2]] + np.eye(4, 16)[[1, 3]]).astype(np.float32)
    random = np.random.default_rng(1)
    mixed = unit((np.repeat(between, 10, axis=0) + random.normal(0, 0.03, (20, 16))).astype(np.float32))
    every = np.concatenate([points, mixed])

    def answer(asked: Points) -> NDArray[np.int64]:
        return np.asarray(asked[:, :4].argmax(axis=1), np.int64)

    chosen = uncertain(every, np.arange(0, 150, 10), 6, answer)
    assert len(set(chosen.tolist())) == 6
    assert not set(chosen.tolist()) & set(range(0, 150, 10))
    gap = np.sort(every[:, :4], axis=1)
    margin = gap[:, -1] - gap[:, -2]
    assert margin[chosen].mean() < margin.mean(), "nearer to a border than photos are"
    assert len({int(answer(every[[row]])[0]) for row in chosen}) >= 3, "of several classes"
    assert np.array_equal(chosen, uncertain(every, np.arange(0, 150, 10), 6, answer))


def test_where_none_is_uncertain_typical_ones_fill_up(clouds: tuple[Points, NDArray[np.int64]]) -> None:
    points, _ = clouds
    chosen = uncertain(points, np.array([3]), 5, lambda asked: np.zeros(len(asked), np.int64))
    assert len(set(chosen.tolist())) == 5
    assert 3 not in chosen
    assert len(uncertain(points, np.arange(149), 5, lambda asked: np.zeros(len(asked), np.int64))) == 1
