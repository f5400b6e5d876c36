"""Two classifiers on the same photos, against closed forms and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from visionft.metrics.paired import mcnemar, paired_differences


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (0, 1), (1, 0), (5, 5), (2, 11), (40, 17)])
def test_mcnemar_is_the_exact_binomial_test(lost: int, gained: int) -> None:
    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(lost, gained) == pytest.approx(expected)


def test_a_sure_difference_is_named_and_its_interval_holds_it() -> None:
    right = np.zeros((2, 100), bool)
    right[0, :60], right[1, :75] = True, True
    (pair,) = paired_differences(right)
    assert (pair.lost, pair.gained, pair.n, pair.change) == (0, 15, 100, pytest.approx(0.15))
    assert pair.p == pytest.approx(2 * 0.5**15) == pair.adjusted, "one look needs no correction"
    assert pair.named
    assert 0.05 < pair.interval[0] < 0.15 < pair.interval[1] < 0.25


def test_three_pairs_are_corrected_together() -> None:
    right = np.zeros((3, 50), bool)
    right[1, :6] = right[2, :6] = True
    first, second, third = paired_differences(right)
    assert first.p == second.p == pytest.approx(2 * 0.5**6)
    assert (first.adjusted, second.adjusted, third.adjusted) == (
        pytest.approx(3 * first.p),
        pytest.approx(3 * first.p),
        1,
    )
    assert not first.named, "0.03 by itself, 0.09 as one of three looks"


def test_alike_ones_are_seldom_told_apart() -> None:
    random = np.random.default_rng(0)
    named = [any(pair.named for pair in paired_differences(random.random((4, 60)) < 0.7)) for _ in range(60)]
    assert sum(named) <= 6, "5 % of comparisons at most, by Holm; 6 of 60 is two standard errors above"
