"""The solved head is the logistic regression it claims to be."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from visionft.training.linear_probe import solve


def blobs(classes: int, n: int, seed: int, spread: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(classes, 12)) * 2
    labels = random.integers(classes, size=n)
    labels[:classes] = np.arange(classes)
    scales = np.linspace(0.1, 30, 12)  # features of very different sizes, as backbones have them
    x = (centres[labels] + spread * random.normal(size=(n, 12))) * scales + 5
    return x.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 5])
def test_answers_like_scikit_learn_on_standardised_features(classes: int) -> None:
    x, y = blobs(classes, 200, 1)
    held, truth = blobs(classes, 100, 2)
    probe = solve(x, y, held, truth, strengths=[0.1])
    mean, scale = x.mean(0), x.std(0) + 1e-6
    reference = LogisticRegression(C=0.1, max_iter=2000).fit((x - mean) / scale, y)
    logits = held @ probe.weight.T + probe.bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    assert probe.weight.shape == (classes, 12)
    assert np.allclose(p / p.sum(1, keepdims=True), reference.predict_proba((held - mean) / scale), atol=2e-2)


def test_keeps_the_least_validation_loss_of_the_path() -> None:
    x, y = blobs(4, 60, 3, spread=4)
    held, truth = blobs(4, 200, 4, spread=4)
    probe = solve(x, y, held, truth)
    least = min(probe.path, key=lambda entry: entry[1])
    assert probe.chosen.strength == least[0]
    assert len(probe.path) < 11, "two rises of the validation loss end the search"


def test_accepts_a_validation_split_that_lacks_classes() -> None:
    x, y = blobs(5, 200, 1)
    held, truth = blobs(5, 100, 2)
    probe = solve(x, y, held[truth < 3], truth[truth < 3])
    assert probe.weight.shape == (5, 12)


def test_balanced_raises_the_recall_of_a_rare_class() -> None:
    x, y = blobs(2, 400, 5, spread=3)
    keep = (y == 0) | (np.cumsum(y == 1) <= 12)
    held, truth = blobs(2, 400, 6, spread=3)

    def recall(balanced: bool) -> float:
        labels = y[keep]
        weights = len(labels) / (2 * np.bincount(labels)) if balanced else None
        probe = solve(x[keep], labels, held, truth, weights=weights, strengths=[0.01])
        answers = (held @ probe.weight.T + probe.bias).argmax(1)
        return float((answers[truth == 1] == 1).mean())

    assert recall(True) > recall(False)
