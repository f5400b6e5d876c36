from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from visionft.auditing.drift import FEWEST, area, compare_sets, standard_error

RNG = np.random.default_rng(3)


def test_the_area_is_that_of_the_curve() -> None:
    low, high = RNG.normal(size=40).round(1), RNG.normal(1, size=30).round(1)  # with ties
    wanted = roc_auc_score(np.repeat([0, 1], [40, 30]), np.concatenate([low, high]))
    assert area(low, high) == pytest.approx(wanted)


def test_the_standard_error_is_that_of_many_draws() -> None:
    areas = [area(RNG.normal(size=60), RNG.normal(1, size=80)) for _ in range(400)]
    assert standard_error(float(np.mean(areas)), 60, 80) == pytest.approx(np.std(areas), rel=0.2)


def test_sets_of_one_kind_are_not_told_apart_and_moved_ones_are() -> None:
    same = compare_sets(RNG.normal(size=(300, 16)), RNG.normal(size=(300, 16)))
    moved = compare_sets(RNG.normal(size=(300, 16)), RNG.normal(0.8, size=(300, 16)))
    assert same is not None
    assert moved is not None
    assert not same.moved
    assert same.low < 0.5 < same.high or abs(same.auroc - 0.5) < 0.08
    assert same.directions < 0.1
    assert moved.moved
    assert moved.directions == 1.0


def test_few_photos_tell_nothing() -> None:
    assert compare_sets(RNG.normal(size=(FEWEST - 1, 4)), RNG.normal(size=(100, 4))) is None
