"""Figures from logits: against scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from visionft.metrics import Metrics, evaluate_logits, softmax


@pytest.fixture
def drawn() -> tuple[NDArray[np.float32], NDArray[np.int64], Metrics]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 8, 300)
    logits = generator.normal(size=(300, 8)).astype(np.float32)
    logits[np.arange(300), labels] += 1.0
    return logits, labels, evaluate_logits(logits, labels, list("abcdefgh"))


def test_figures_equal_those_of_scikit_learn(drawn: tuple[NDArray[np.float32], NDArray[np.int64], Metrics]) -> None:
    logits, labels, found = drawn
    answers, probabilities = logits.argmax(axis=1), softmax(logits)
    assert found.top1 == pytest.approx(sk.accuracy_score(labels, answers))
    assert found.top5 == pytest.approx(sk.top_k_accuracy_score(labels, logits, k=5))
    assert found.macro_f1 == pytest.approx(sk.f1_score(labels, answers, average="macro"))
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, answers))
    assert found.log_loss == pytest.approx(sk.log_loss(labels, probabilities))
    np.testing.assert_array_equal(found.confusion, sk.confusion_matrix(labels, answers))


def test_class_rows_equal_those_of_scikit_learn(drawn: tuple[NDArray[np.float32], NDArray[np.int64], Metrics]) -> None:
    logits, labels, found = drawn
    expected = sk.precision_recall_fscore_support(labels, logits.argmax(axis=1))
    rows = [(row.precision, row.recall, row.f1, row.support) for row in found.per_class]
    np.testing.assert_allclose(np.array(rows, float), np.array(expected).T)


# Four photos of a, two of b, none of c; one a is answered b, one b is answered c.
LABELS = np.array([0, 0, 0, 0, 1, 1])
LOGITS = np.eye(3)[[0, 0, 0, 1, 1, 2]] * 5.0


def test_a_class_without_photos_has_no_figures_and_no_say_in_means() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a", "b", "c"])
    a, b, c = found.per_class
    assert (a.precision, a.recall, a.f1, a.support) == (1.0, 0.75, pytest.approx(6 / 7), 4)
    assert (b.precision, b.recall, b.f1, b.support) == (0.5, 0.5, 0.5, 2)
    assert (c.precision, c.recall, c.f1, c.support, c.interval) == (None, None, None, 0, None)
    assert found.macro_f1 == pytest.approx((6 / 7 + 0.5) / 2)
    assert found.balanced_accuracy == pytest.approx(0.625)
    assert found.top1 == pytest.approx(4 / 6)


def test_a_class_never_answered_has_precision_zero() -> None:
    found = evaluate_logits(np.eye(2)[[0, 0]], np.array([0, 1]), ["a", "b"])
    assert (found.per_class[1].precision, found.per_class[1].recall, found.per_class[1].f1) == (0.0, 0.0, 0.0)


def test_five_classes_or_fewer_make_top5_certain() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a", "b", "c"])
    assert found.top5 == found.summary()["top5"] == 1.0
    assert "top-1" in str(found)
    assert not any("top-5" in said for said in (str(found), found._repr_html_()))


def test_top5_of_six_classes() -> None:
    logits = np.tile(np.arange(6.0), (6, 1))
    found = evaluate_logits(logits, np.arange(6), list("abcdef"))
    assert found.top5 == pytest.approx(5 / 6)
    assert "top-5 accuracy" in str(found)


def test_most_confused_pairs_come_in_order() -> None:
    answers = np.array([1, 1, 2, 0, 2])
    found = evaluate_logits(np.eye(3)[answers], np.array([0, 0, 0, 0, 2]), ["a", "b", "c"])
    assert [(pair.true, pair.answered, pair.count) for pair in found.most_confused] == [("a", "b", 2), ("a", "c", 1)]


def test_one_photo_of_one_class() -> None:
    found = evaluate_logits(np.zeros((1, 1)), np.array([0]), ["a"])
    assert (found.top1, found.macro_f1, found.log_loss, found.ece) == (1.0, 1.0, 0.0, 0.0)


def test_huge_logits_stay_finite() -> None:
    found = evaluate_logits(np.array([[1e4, -1e4]], np.float32), np.array([1]), ["a", "b"])
    assert found.log_loss == pytest.approx(2e4)


@pytest.mark.parametrize(
    ("logits", "labels", "words"),
    [
        (np.zeros((2, 3)), np.array([0, 1]), r"logits have the shape \(2, 3\); give \(2, 2\)"),
        (np.zeros((0, 2)), np.array([], int), "there is no photo to evaluate"),
        (np.zeros((1, 2)), np.array([2]), "labels reach from 2 to 2; give indices of the 2 classes"),
        (np.full((1, 2), np.nan), np.array([0]), "some logits are not finite"),
    ],
)
def test_wrong_arrays(logits: NDArray[np.float64], labels: NDArray[np.int64], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        evaluate_logits(logits, labels, ["a", "b"])


def test_top5_of_equal_logits_takes_the_first_classes() -> None:
    assert evaluate_logits(np.zeros((8, 8)), np.arange(8), list("abcdefgh")).top5 == pytest.approx(5 / 8)
