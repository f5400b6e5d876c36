"""The figures of heads are those of each by itself, counted by hand; what nobody knows has no part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visionft.metrics import evaluate_logits, wilson
from visionft.tasks.multihead.head_figures import bootstrap_mean_top1, heads_figures
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess

HEADS = Heads(["a=x", "a=y", "b=u", "b=v", "b=w"])
RULE = HeadPostprocess.by(HEADS, {"a": 2.0})
# Answers: a is x, x, y, y; b is u, v, w, u.
LOGITS = np.array([[2, 0, 3, 0, 0], [2, 0, 0, 3, 0], [0, 2, 0, 0, 3], [0, 2, 3, 0, 0]], np.float32)
LABELS = np.array([[0, 0], [1, 1], [1, -1], [1, 2]])


def test_the_mean_counts_heads_alike_and_all_right_counts_photos() -> None:
    found = heads_figures(LOGITS, LABELS, RULE)
    assert found.heads["a"].top1 == 3 / 4
    assert (found.heads["b"].top1, found.heads["b"].n) == (2 / 3, 3)
    assert found.top1 == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert found.all_right == 2 / 4
    assert found.intervals["all_right"] == wilson(2, 4)
    assert found.summary() == {"top1": found.top1, "all_right": 0.5, "heads": {"a": 0.75, "b": 2 / 3}, "n": 4}


def test_each_head_has_the_figures_of_a_classifier_with_its_temperature() -> None:
    alone = evaluate_logits(LOGITS[:, :2], LABELS[:, 0], ("x", "y"), temperature=2.0)
    assert heads_figures(LOGITS, LABELS, RULE).heads["a"].to_json() == alone.to_json()


def test_a_head_that_no_photo_knows_has_no_figures() -> None:
    labels = LABELS.copy()
    labels[:, 1] = -1
    found = heads_figures(LOGITS, labels, RULE)
    assert found.heads["b"] is None
    assert found.top1 == 0.75 == found.all_right
    assert "b                    none  no photo of which it is known" in str(found)
    assert [row["head"] for row in found.rows()] == ["a"]
    assert found.to_json()["heads"]["b"] is None


def test_words_name_heads_and_weakest_classes() -> None:
    found = heads_figures(LOGITS, LABELS, RULE)
    assert str(found).splitlines()[0] == "4 photos, 2 heads"
    assert "1 photo" not in str(found)
    assert "; 3 photos of which it is known" in str(found)
    assert "weakest classes: b=w (0% of 1), a=y (67% of 3)" in str(found)
    assert found.headline.startswith("mean top-1 of 2 heads is 70.8% (95 % interval ")


def test_the_interval_of_the_mean_draws_photos_with_all_of_their_labels() -> None:
    random = np.random.default_rng(0)
    right = np.repeat(random.random((400, 1)) < 0.8, 3, axis=1)  # heads that are right together: as few as one
    low, high = bootstrap_mean_top1(right, np.ones_like(right))
    width = 2 * 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert high - low == pytest.approx(width, rel=0.2)
    alone = random.random((400, 3)) < 0.8
    low, high = bootstrap_mean_top1(alone, np.ones_like(alone))
    assert high - low == pytest.approx(width / np.sqrt(3), rel=0.2)


def test_nothing_to_measure_is_refused() -> None:
    for logits, labels in ((LOGITS[:0], LABELS[:0]), (np.full((4, 5), np.nan, np.float32), LABELS)):
        with pytest.raises(ValueError, match="there is no photo to evaluate, or some logits are not finite"):
            heads_figures(logits, labels, RULE)


def test_the_tables_have_a_row_a_head_and_a_row_a_class() -> None:
    found: Any = heads_figures(LOGITS, LABELS, RULE)
    assert [row["classes"] for row in found.rows()] == [2, 3]
    assert [(row["head"], row["class"], row["support"]) for row in found.class_rows()] == [
        ("a", "x", 1), ("a", "y", 3), ("b", "u", 1), ("b", "v", 1), ("b", "w", 1),
    ]  # fmt: skip
