"""One answer a product: against the mean of log-probabilities, and intervals against what they must be."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import softmax
from visionft.metrics.product_accuracy import product_accuracy, product_means


def test_the_mean_of_logits_answers_as_the_mean_of_log_probabilities() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 4, (60, 7)) + random.normal(0, 9, (60, 1))  # a photo's own offset is nothing
    index = random.permutation(np.repeat(np.arange(15), 4))
    means = product_means(logits, index)
    for temperature in (0.5, 1.0, 3.0):
        log = np.log(softmax(logits / temperature))
        expected = np.exp([log[index == product].mean(0) for product in range(15)])
        expected /= expected.sum(1, keepdims=True)
        assert softmax(means / temperature) == pytest.approx(expected, abs=1e-5)


def test_figures_by_hand() -> None:
    # Three products: 3 of 4 photos and the product right, 0 of 2 and wrong, one photo right.
    index = np.array([0, 0, 0, 0, 1, 1, 2])
    photos = np.array([True, True, True, False, False, False, True])
    found = product_accuracy(np.array([True, False, True]), photos, index)
    assert (found.products, found.photos, found.several) == (3, 7, 2)
    assert (found.by_product, found.by_photo) == (pytest.approx(2 / 3), pytest.approx(4 / 7))
    assert found.gain == pytest.approx(2 / 3 - 4 / 7)
    assert found.gain_interval[0] <= found.gain <= found.gain_interval[1]


def test_products_of_one_photo_gain_nothing() -> None:
    right = np.random.default_rng(0).random(50) < 0.7
    found = product_accuracy(right, right, np.arange(50))
    assert (found.gain, found.gain_interval, found.several) == (0.0, (0.0, 0.0), 0)


def test_the_interval_is_paired() -> None:
    """Hard and easy products differ much more than an answer a product from those of its photos."""
    easy = np.repeat([True, False], 100)
    photos = np.repeat(easy, 4)
    photos[::4][:100] ^= np.arange(100) < 40  # one photo of 40 easy products is wrong
    found = product_accuracy(easy, photos, np.repeat(np.arange(200), 4))
    low, high = found.gain_interval
    assert found.gain == pytest.approx(0.05)
    assert 0.03 < low < high < 0.07
    assert found.by_photo_interval[1] - found.by_photo_interval[0] > 2 * (high - low)


def test_the_interval_covers_the_true_gain() -> None:
    random, hits = np.random.default_rng(1), 0
    for seed in range(60):
        level = random.beta(4, 2, 80)
        photos = random.random((80, 3)) < level[:, None]
        right = photos.sum(1) >= 2
        truth = 0.0653  # of beta(4, 2): the mean of 3p^2 - 2p^3 - p
        found = product_accuracy(right, photos.ravel(), np.repeat(np.arange(80), 3), seed=seed)
        hits += found.gain_interval[0] <= truth <= found.gain_interval[1]
    assert hits >= 51


def test_a_product_without_photos() -> None:
    with pytest.raises(ValueError, match="2 of 3 products have photos; give each product one or more"):
        product_accuracy(np.ones(3, bool), np.ones(2, bool), np.array([0, 1]))
