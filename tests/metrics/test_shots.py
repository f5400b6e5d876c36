"""Head, middle and tail by training photos: a mean over classes, and nothing where there is no tail."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import ClassRow, wilson
from visionft.metrics.shots import mean_interval, shots


def row(name: str, recall: float, support: int) -> ClassRow:
    return ClassRow(name, 1.0, recall, recall, support, None)


ROWS = [row("a", 0.9, 100), row("b", 0.5, 10), row("c", 0.7, 10), row("d", 0.2, 5), ClassRow("e", *[None] * 3, 0, None)]


def test_each_class_counts_alike_in_its_part() -> None:
    head, middle, tail = shots(ROWS, {"a": 101, "b": 100, "c": 20, "d": 19, "e": 3})
    assert (head.name, head.classes, head.training, head.n, head.accuracy) == ("head", 1, (101, 101), 100, 0.9)
    assert (middle.name, middle.classes, middle.training, middle.n) == ("middle", 2, (20, 100), 20)
    assert middle.accuracy == pytest.approx(0.6)
    assert (tail.name, tail.classes, tail.training) == ("tail", 1, (19, 19))  # of "e" there is no photo
    assert str(middle).startswith("middle (2 classes of 20 to 100) 60.0% (")
    assert head.interval == pytest.approx(wilson(90, 100))  # of one class it is that class's own


def test_classes_of_a_photo_each_leave_it_open_how_the_next_ones_are_answered() -> None:
    rows = [row("a", 0.9, 100), row("x", 1.0, 1), row("y", 1.0, 1), row("z", 0.0, 1)]
    tail = shots(rows, {"a": 500, "x": 3, "y": 4, "z": 2})[-1]
    assert (tail.accuracy, tail.n) == (pytest.approx(2 / 3), 3)
    assert tail.interval == pytest.approx(wilson(2, 3))  # photos that weigh alike are those of one class
    assert mean_interval(np.array([40, 1]), np.array([50, 1])) == pytest.approx(wilson(0.9 * 4 / 1.02, 4 / 1.02))


@pytest.mark.parametrize("n", [(1, 1, 1, 2, 3), (1,) * 20, (5, 9, 20, 40), (60, 60)])
def test_the_interval_of_the_mean_holds_it_in_95_of_100_draws(n: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    truth = np.linspace(0.35, 0.9, len(n))
    drawn = random.binomial(n, truth, size=(1000, len(n)))
    ends = np.array([mean_interval(hits, np.array(n)) for hits in drawn])
    held = ((ends[:, 0] <= truth.mean()) & (truth.mean() <= ends[:, 1])).mean()
    assert held >= 0.94


def test_nothing_is_said_where_training_is_balanced_or_all_of_one_part() -> None:
    assert shots(ROWS, dict.fromkeys("abcde", 50)) == ()
    assert shots(ROWS, {"a": 99, "b": 30, "c": 25, "d": 24, "e": 22}) == ()  # less than five times
    assert shots(ROWS[:4], {"a": 19, "b": 5, "c": 3, "d": 2}) == ()  # all of them tail
