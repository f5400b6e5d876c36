"""A head is solved as if it were alone, and one that an earlier run has does not move by a bit."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.runs.criterion import Photos
from visionft.settings import FitSettings
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_solver import solve
from visionft.training import linear_probe

SETTINGS = FitSettings.model_validate({"photos": "photos.csv", "task": "multihead", "method": "head"})
HEADS = Heads(["a=x", "a=y", "b=u", "b=v", "b=w"])
ZERO = np.zeros((5, 6), np.float32), np.zeros(5, np.float32)


def photos(n: int, seed: int) -> Photos:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 6)).astype(np.float32)
    a = (features[:, 0] > 0).astype(np.int64)
    b = np.digitize(features[:, 1] + 0.3 * random.normal(size=n), [-0.5, 0.5]).astype(np.int64)
    b[::4] = -1
    return Photos(features, np.stack([a, b], 1), HEADS.classes)


TRAIN, HELD_OUT = photos(120, 0), photos(60, 1)


def test_each_head_is_a_regression_over_the_photos_that_know_it() -> None:
    found = solve(HEADS, ZERO, SETTINGS, TRAIN, HELD_OUT, None)
    known, held = TRAIN.labels[:, 1] >= 0, HELD_OUT.labels[:, 1] >= 0
    alone = linear_probe.solve(
        TRAIN.features[known], TRAIN.labels[known, 1], HELD_OUT.features[held], HELD_OUT.labels[held, 1]
    )
    assert np.array_equal(found.weight[2:], alone.weight)
    assert np.array_equal(found.bias[2:], alone.bias)
    assert found.what == "solved 2 heads"
    assert found.how.startswith("inverse regularisation a ")


def test_a_new_head_leaves_the_others_bit_for_bit() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(5, 6)).astype(np.float32), random.normal(size=5).astype(np.float32)
    found = solve(HEADS, rows, SETTINGS, TRAIN, HELD_OUT, [2, 3, 4])
    assert found.weight[:2].tobytes() == rows[0][:2].tobytes()
    assert found.bias[:2].tobytes() == rows[1][:2].tobytes()
    assert found.weight[2:].tobytes() == solve(HEADS, ZERO, SETTINGS, TRAIN, HELD_OUT, None).weight[2:].tobytes()
    assert found.what == "solved 1 head; a stays as it was"


def test_a_new_class_of_a_head_leaves_its_other_rows() -> None:
    first = solve(HEADS, ZERO, SETTINGS, TRAIN, HELD_OUT, None)
    rows = first.weight.copy(), first.bias.copy()
    rows[0][4], rows[1][4] = 0, 0
    found = solve(HEADS, rows, SETTINGS, TRAIN, HELD_OUT, [4])
    assert found.weight[:4].tobytes() == rows[0][:4].tobytes()
    assert np.abs(found.weight[4]).sum() > 0
    assert found.what == "solved 1 head, of b the new rows alone; a stays as it was"


def test_without_a_new_class_all_heads_are_drawn_to_what_they_were() -> None:
    first = solve(HEADS, ZERO, SETTINGS, TRAIN, HELD_OUT, None)
    found = solve(HEADS, (first.weight, first.bias), SETTINGS, TRAIN, HELD_OUT, [])
    assert found.what == "solved 2 heads, drawn to the earlier run's, as no class is new"
    assert found.weight == pytest.approx(first.weight, abs=1.0)


def test_classes_are_weighed_within_their_head() -> None:
    weighed = SETTINGS.model_copy(update={"optim": SETTINGS.optim.model_copy(update={"class_weights": "balanced"})})
    few = Photos(TRAIN.features, np.where(np.arange(120)[:, None] % 5 > 0, [0, -1], TRAIN.labels), HEADS.classes)
    plain, found = (solve(HEADS, ZERO, wanted, few, HELD_OUT, None) for wanted in (SETTINGS, weighed))
    assert found.bias[1] - found.bias[0] > plain.bias[1] - plain.bias[0]
