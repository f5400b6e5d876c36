"""Heads solved label by label: each is the logistic regression of scikit-learn over the photos that are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from visionft.tasks.multilabel.one_vs_rest import solve


def photos(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    features = random.normal(3, 2, (n, 6)).astype(np.float32)
    logits = (features - 3) @ random.normal(0, 0.6, (6, 3)) + [0.0, -1.0, 1.0]
    return features, (random.random((n, 3)) < 1 / (1 + np.exp(-logits))).astype(np.int8)


@pytest.mark.parametrize("weighed", [False, True])
def test_each_label_is_the_regression_of_its_known_photos(weighed: bool) -> None:
    features, labels = photos()
    labels[np.random.default_rng(1).random(labels.shape) < 0.3] = -1
    found = solve(features, labels, features, labels, weighed=weighed, strengths=(0.1,))
    mean, scale = features.mean(0), features.std(0) + 1e-6
    for label in range(3):
        known = labels[:, label] >= 0
        alone = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000, class_weight="balanced" if weighed else None)
        alone.fit((features[known] - mean) / scale, labels[known, label])
        assert found.weight[label] * scale == pytest.approx(alone.coef_[0], abs=2e-3)
        assert found.weight[label] @ mean + found.bias[label] == pytest.approx(alone.intercept_[0], abs=2e-3)


def test_a_label_with_one_known_value_gets_its_share_and_no_weights() -> None:
    features, labels = photos(100)
    labels[:, 0], labels[:, 1] = 1, -1
    found = solve(features, labels, features, labels)
    assert not found.weight[:2].any()
    assert found.bias[:2] == pytest.approx([np.log(100.5 / 0.5), 0.0], rel=1e-5)
    assert found.weight[2].any()


def test_the_strength_is_chosen_by_validation() -> None:
    random = np.random.default_rng(0)
    features, labels = photos(60)
    noise = np.concatenate([features, random.normal(0, 1, (60, 80)).astype(np.float32)], 1)
    held, truth = photos(400)
    held = np.concatenate([held, random.normal(0, 1, (400, 80)).astype(np.float32)], 1)
    found = solve(noise, labels, held, truth)
    assert found.strength < 1
    assert found.tried < 11, "two rises end the search"
