"""Thresholds that hold a precision: exact bounds, and how often what they promise is not so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from visionft.tasks.multilabel.label_precision import LEVEL, NEVER, lower_bound, precise_thresholds, sizes


@pytest.mark.parametrize(("hits", "n"), [(9, 10), (29, 29), (50, 97), (1, 3)])
def test_the_bound_is_that_of_an_exact_test(hits: int, n: int) -> None:
    expected = binomtest(hits, n, alternative="greater").proportion_ci(0.95, "exact").low
    assert lower_bound(hits, n) == pytest.approx(expected)


def test_of_no_hit_nothing_is_promised() -> None:
    assert lower_bound(0, 5) == 0.0


def test_sizes_that_could_not_hold_it_are_not_looked_at() -> None:
    assert sizes(100, 0.9) == [100, 66, 44, 29]  # 0.9^28 is above 5 %
    assert sizes(28, 0.9) == []


def test_as_many_photos_as_hold_it_are_chosen() -> None:
    scores = np.linspace(0.99, 0.01, 200, dtype=np.float32)[:, None]
    labels = (np.arange(200) < 100).astype(np.int8)[:, None]  # all of the upper half have it
    found = precise_thresholds(scores, labels, 0.8)
    chosen = (scores[:, 0] >= found.thresholds[0]).sum()
    assert chosen == found.chosen[0] == 88  # of 200, 133, 88 and so on
    assert found.bounds[0] == pytest.approx(lower_bound(88, 88, LEVEL / len(sizes(200, 0.8))))
    labels[::3] = -1  # nobody knows: no part in it
    assert precise_thresholds(scores, labels, 0.8).chosen[0] == 59  # of 133


def test_a_label_that_nothing_holds_it_for_is_never_chosen() -> None:
    scores = np.ones((40, 2), np.float32)
    labels = np.zeros((40, 2), np.int8)
    labels[:, 0] = np.arange(40) % 2
    found = precise_thresholds(scores, labels, 0.9)
    assert found.thresholds.tolist() == [np.float32(NEVER)] * 2
    assert not (scores >= found.thresholds).any()
    assert np.isnan(found.bounds).all()


def test_the_promise_is_broken_by_one_label_in_twenty_at_most() -> None:
    """Of each score the true share is known: 2,000 labels of calibrated scores that are never as good as at the top."""
    random, broken, held = np.random.default_rng(0), 0, 0
    scores = random.random((150, 2000)).astype(np.float32)
    labels = (random.random(scores.shape) < 0.55 + 0.4 * scores).astype(np.int8)
    found = precise_thresholds(scores, labels, 0.8)
    for threshold in found.thresholds[found.thresholds < NEVER]:
        held += 1
        broken += 0.55 + 0.4 * (1 + threshold) / 2 < 0.8  # the mean share of uniform scores above it
    assert held > 200
    assert broken / 2000 <= LEVEL
