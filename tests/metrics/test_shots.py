"""Head, middle and tail by training photos: a mean over classes, and nothing where there is no tail."""

from __future__ import annotations

import pytest

from visionft.metrics import ClassRow
from visionft.metrics.shots import shots


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
    # Recall of 100 photos at 0.9 has the standard error 0.03.
    assert head.interval == (pytest.approx(0.9 - 1.96 * 0.03, abs=0.01), pytest.approx(0.9 + 1.96 * 0.03, abs=0.01))


def test_nothing_is_said_where_training_is_balanced_or_all_of_one_part() -> None:
    assert shots(ROWS, dict.fromkeys("abcde", 50)) == ()
    assert shots(ROWS, {"a": 99, "b": 30, "c": 25, "d": 24, "e": 22}) == ()  # less than five times
    assert shots(ROWS[:4], {"a": 19, "b": 5, "c": 3, "d": 2}) == ()  # all of them tail
