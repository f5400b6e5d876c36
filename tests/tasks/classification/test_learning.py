"""Learning classes: what is solved, drawn, measured and answered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from visionft.backbones import LinearHead
from visionft.classes import Classes
from visionft.metrics import KnownScale, Postprocess, softmax
from visionft.runs.criterion import Photos
from visionft.runs.learning import Outputs
from visionft.settings import FitSettings
from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.tasks.classification.learning import LEARNING

CLASSES = Classes.of(["a", "b", "c"])
SETTINGS = FitSettings(photos=Path("p"))
RANDOM = np.random.default_rng(0)


def blobs(n: int, seed: int) -> Photos:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return Photos(np.asarray(np.eye(3, 6)[labels] * 3 + random.normal(size=(n, 6)), np.float32), labels)


def test_a_whole_head_is_solved_as_scikit_learn_solves_it() -> None:
    train, held_out = blobs(90, 0), blobs(30, 1)
    solution = LEARNING.solve(LinearHead(6, 3), SETTINGS, train, held_out, None)
    scores = held_out.features @ solution.weight.T + solution.bias
    plain = LogisticRegression(max_iter=500).fit(train.features, train.labels).predict(held_out.features)
    assert np.mean(scores.argmax(1) == plain) >= 28 / 30
    assert solution.what == "solved head"
    assert solution.how.startswith("inverse regularisation ")


def test_only_the_rows_that_an_earlier_run_lacks_are_solved() -> None:
    head = LinearHead(6, 3)
    with torch.no_grad():
        head.weight.normal_()
    before = head.weight.detach().numpy().copy()
    solution = LEARNING.solve(head, SETTINGS, blobs(90, 0), blobs(30, 1), [2])
    assert solution.what == "solved 1 new row of the head, 2 stay as they were"
    np.testing.assert_array_equal(solution.weight[:2], before[:2])
    assert not np.array_equal(solution.weight[2], before[2])
    nothing_new = LEARNING.solve(head, SETTINGS, blobs(90, 0), blobs(30, 1), [])
    assert nothing_new.what.startswith("solved head: no class is new, so all its rows, drawn to the earlier run's")


def test_balanced_weights_are_those_of_the_training_photos() -> None:
    manifest: Any = SimpleNamespace(counts=lambda: {"train": {"a": 8, "b": 2, "c": 2}}, classes=CLASSES)
    balanced = SETTINGS.model_copy(update={"optim": SETTINGS.optim.model_copy(update={"class_weights": "balanced"})})
    loss = LEARNING.criterion(balanced, manifest)
    assert isinstance(loss, ClassificationLoss)
    weights = next(buffer for buffer in loss.buffers() if buffer.ndim == 1)
    np.testing.assert_allclose(weights.numpy() / weights.numpy()[1], [0.25, 1, 1], rtol=1e-6)
    assert not [buffer for buffer in LEARNING.criterion(SETTINGS, manifest).buffers() if buffer.ndim == 1]
    assert LEARNING.outputs(CLASSES, SETTINGS) == 3


def test_final_figures_are_calibrated_and_of_photos_drawn_at_random_alone() -> None:
    def outputs(n: int, seed: int) -> Outputs:
        random = np.random.default_rng(seed)
        labels = np.arange(n) % 3
        logits = np.asarray(np.eye(3)[labels] * 6 + random.normal(scale=4, size=(n, 3)), np.float32)
        embeddings = np.eye(3, 6, dtype=np.float32)[labels]
        return Outputs(logits, embeddings, labels)

    sampled = np.arange(60) < 20
    final = LEARNING.final(outputs(120, 0), outputs(60, 1), sampled, CLASSES, SETTINGS)
    assert (final.val.n, final.train.n) == (120, 20)
    assert final.val.temperature != 1.0
    assert LEARNING.brief(final.train) == {"top1": final.train.top1, "log_loss": final.train.log_loss, "n": 20}
    [line] = LEARNING.fitted(final)
    assert "temperature" in line


def test_a_table_has_truth_and_answer_of_each_photo() -> None:
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]], np.float32)
    rule = Postprocess(2.0, KnownScale.plain())
    table = LEARNING.table(["x", "y"], logits, np.array([0, 1]), CLASSES, rule).to_pydict()
    probabilities = softmax(logits / 2)
    assert (table["truth"], table["label"], table["correct"]) == (["a", "b"], ["a", "c"], [True, False])
    assert table["probability"] == pytest.approx([probabilities[0, 0], probabilities[1, 2]])
    assert table["truth_probability"] == pytest.approx([probabilities[0, 0], probabilities[1, 1]])
    np.testing.assert_allclose(LEARNING.scores(logits, rule), probabilities, rtol=1e-6)


def test_a_class_may_be_called_truth_in_the_confusion_matrix() -> None:
    metrics = LEARNING.measure(
        np.eye(2, dtype=np.float32), np.array([0, 0]), Classes.of(["truth", "x"]), Postprocess.plain()
    )
    table = LEARNING.tables(metrics)["confusion.csv"]
    assert table.column_names == ["truth", "truth", "x"]
    assert [column.to_pylist() for column in table.columns] == [["truth", "x"], [1, 0], [1, 0]]


def test_answers_are_those_of_the_rule() -> None:
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]], np.float32)
    found = LEARNING.answers(
        logits, np.zeros((2, 4), np.float32), Postprocess(1.0, KnownScale.plain(), 1.0), ["a", "b", "c"]
    )
    assert [(one.label, one.class_index, one.unknown) for one in found] == [("a", 0, False), ("b", 1, True)]
    assert found[0].probability == pytest.approx(softmax(logits)[0, 0])


def test_older_runs_have_no_calibration(tmp_path: Path) -> None:
    assert LEARNING.calibration(tmp_path, {"top1": 0.5}, CLASSES) is None
