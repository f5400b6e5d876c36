from __future__ import annotations

import math
from math import comb

import pytest

from visionft.exporting.quantization.speed import LEAST, ROUNDS, median_interval, race, race_of


@pytest.mark.parametrize("n", [6, LEAST, 12, ROUNDS, 60])
def test_the_interval_of_the_median_holds_in_95_percent(n: int) -> None:
    """Of n values each lies above the median with chance 1/2: count the cases in which the interval misses it."""
    low, high = median_interval(range(n))
    k = int(low) + 1
    assert high == n - k
    missed = 2 * sum(comb(n, i) for i in range(k)) / 2**n
    wider = 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n
    assert missed <= 0.05 < wider


def test_few_rounds_prove_nothing() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) == (-math.inf, math.inf)


def test_the_interval_of_a_race_leaves_out_the_extremes() -> None:
    times = [(2.0 + i / 100, 1.0) for i in range(ROUNDS)]
    times[3], times[9] = (100.0, 1.0), (0.1, 1.0)

    found = race_of(times)

    assert 2.0 < found.low < found.ratio < found.high < 2.3
    assert (found.challenger_ms, found.rounds) == (1000.0, ROUNDS)
    assert found.champion_ms == pytest.approx(found.ratio * 1000)


def test_each_is_called_first_and_second_equally_often() -> None:
    called = list[str]()

    found = race(lambda: called.append("one"), lambda: called.append("two"), rounds=LEAST)

    assert found.rounds == LEAST
    assert called == ["one", "two", "two", "one"] * (LEAST + 1)


def test_time_ends_a_race_after_the_least_rounds() -> None:
    assert race(lambda: None, lambda: None, rounds=10_000, seconds=0.0).rounds == LEAST
