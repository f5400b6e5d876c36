"""Thresholds of the best F1, tried one by one; and as a run keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from visionft.classes import Classes
from visionft.errors import RunError
from visionft.tasks.multilabel.label_thresholds import LabelPostprocess, LabelThresholds, best_thresholds


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_better_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    entries = random.integers(-1, 2, (80, 3))
    scores = np.clip(np.round(random.random((80, 3)) * 0.7 + 0.3 * (entries == 1), 2), 0, 1).astype(np.float32)
    for label, threshold in enumerate(best_thresholds(scores, entries)):
        known = entries[:, label] >= 0
        truth, own = entries[known, label] == 1, scores[known, label]
        best = max(f1_score(truth, own >= value) for value in np.unique(own))
        assert f1_score(truth, own >= threshold) == pytest.approx(best)


def test_it_lies_between_the_scores_that_it_parts() -> None:
    scores = np.array([[0.9], [0.8], [0.4], [0.1]], np.float32)
    assert best_thresholds(scores, np.array([[1], [1], [0], [0]]))[0] == pytest.approx(0.6)
    assert best_thresholds(scores, np.array([[1], [1], [1], [1]]))[0] == pytest.approx(0.05)
    assert best_thresholds(scores, np.array([[0], [0], [-1], [-1]]))[0] == 0.5, "no photo has it"


def test_two_scores_next_to_each_other_are_parted_too() -> None:
    upper = np.float32(0.7)
    scores = np.array([[upper], [np.nextafter(upper, np.float32(0))]])
    threshold = best_thresholds(scores, np.array([[1], [0]]))
    assert (scores[:, 0] >= threshold).tolist() == [True, False]


def test_probabilities_are_each_labels_own() -> None:
    rule = LabelPostprocess.by(np.array([0.5, 0.9], np.float32))
    found = rule.probabilities(np.array([[0.0, 2.0], [-800.0, 800.0]], np.float32))
    assert found == pytest.approx(np.array([[0.5, 1 / (1 + np.exp(-2.0))], [0, 1]]))
    assert rule.chosen(found).tolist() == [[True, False], [False, True]]


def test_a_run_keeps_them_to_the_bit(tmp_path: Path) -> None:
    classes = Classes(("a", "b"))
    kept = LabelThresholds.fit(np.array([[0.3, 0.2], [0.1, 0.9]], np.float32), np.array([[1, 0], [0, 1]]), classes)
    kept.write(tmp_path)
    assert LabelThresholds.read(tmp_path, classes) == kept
    (tmp_path / "calibration.json").write_text(json.dumps({"thresholds": {"a": 0.3, "b": 1.5}}))
    (tmp_path / "digests.json").unlink(missing_ok=True)
    with pytest.raises(RunError):
        LabelThresholds.read(tmp_path, classes)


def test_where_no_label_reaches_its_threshold_the_most_probable_one_may_be_chosen(tmp_path: Path) -> None:
    rule = LabelPostprocess.by(np.array([0.5, 0.9, 0.9], np.float32), at_least_one=True)
    found = np.array([[0.2, 0.8, 0.1], [0.6, 0.8, 0.1], [0.3, 0.3, 0.3]], np.float32)
    assert rule.chosen(found).tolist() == [[False, True, False], [True, False, False], [True, False, False]]
    assert rule.chosen(found[0]).tolist() == [False, True, False]  # of one photo too
    classes = Classes(("a", "b"))
    probabilities = np.linspace(1, 0, 120, dtype=np.float32)[:, None].repeat(2, axis=1)
    labels = np.stack([np.arange(120) < 60, np.zeros(120)], axis=1).astype(np.int8)
    kept = LabelThresholds.fit(probabilities, labels, classes, 0.9, at_least_one=True)
    assert list(kept.bounds) == ["a"]
    kept.write(tmp_path)
    assert LabelThresholds.read(tmp_path, classes) == kept
    assert kept.answering().at_least_one
