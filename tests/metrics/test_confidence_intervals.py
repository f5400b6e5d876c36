"""Intervals against their formulas and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import (
    bootstrap_difference,
    bootstrap_ece,
    bootstrap_macro_f1,
    expected_calibration_error,
    wilson,
)


def test_wilson_equals_the_published_example() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_wilson_at_the_ends_stays_inside() -> None:
    low, high = wilson(0, 20) or (1.0, 1.0)
    assert low == 0.0
    assert high == pytest.approx(0.1611, abs=5e-5)
    assert wilson(20, 20) == (pytest.approx(1 - high), pytest.approx(1.0))
    assert wilson(0, 0) is None


def test_wilson_covers_the_truth_as_often_as_it_says() -> None:
    hits = np.random.default_rng(0).binomial(50, 0.9, 4000)
    covered = [low <= 0.9 <= high for low, high in filter(None, (wilson(int(h), 50) for h in hits))]
    assert 0.93 < np.mean(covered) < 0.98


def test_bootstrap_is_seeded() -> None:
    confusion = np.array([[30, 5], [8, 20]])
    assert bootstrap_macro_f1(confusion, seed=1) == bootstrap_macro_f1(confusion, seed=1)
    assert bootstrap_macro_f1(confusion, seed=1) != bootstrap_macro_f1(confusion, seed=2)


def test_bootstrap_equals_drawing_photos_again() -> None:
    confusion = np.array([[40, 5, 0], [6, 30, 2], [0, 1, 10]])
    true, answered = np.repeat(np.indices((3, 3)).reshape(2, -1), confusion.ravel(), axis=1)
    generator, scores = np.random.default_rng(3), []
    for _ in range(2000):
        drawn = generator.integers(0, len(true), len(true))
        counts = np.bincount(true[drawn] * 3 + answered[drawn], minlength=9).reshape(3, 3)
        scores.append(np.mean(2 * np.diag(counts) / (counts.sum(0) + counts.sum(1))))
    # Two bootstraps of 1000 and 2000 draws: their ends differ by chance by well under 0.01 here.
    assert bootstrap_macro_f1(confusion) == pytest.approx(tuple(np.quantile(scores, [0.025, 0.975])), abs=0.01)


def test_bootstrap_of_a_perfect_and_of_no_answer() -> None:
    assert bootstrap_macro_f1(np.diag([5, 0, 3])) == (1.0, 1.0)
    assert bootstrap_macro_f1(np.zeros((2, 2), np.int64)) is None


def test_bootstrap_in_chunks_gives_as_many_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    confusion = np.array([[30, 5], [8, 20]])
    whole = bootstrap_macro_f1(confusion)
    monkeypatch.setattr("visionft.metrics.confidence_intervals._CHUNK_CELLS", 40)
    assert bootstrap_macro_f1(confusion) == pytest.approx(whole)


def test_paired_bootstrap_equals_drawing_photos_again() -> None:
    random = np.random.default_rng(5)
    before = random.random(300) < 0.8
    after = before ^ (random.random(300) < 0.15)
    drawn = random.integers(0, 300, (2000, 300))
    means = before[drawn].mean(1) - after[drawn].mean(1)
    # Two bootstraps of 1000 and 2000 draws: their ends differ by chance by well under 0.01 here.
    assert bootstrap_difference(before, after) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.01)


def test_paired_bootstrap_of_equal_answers_is_nothing() -> None:
    answers = np.random.default_rng(0).random(50) < 0.5
    assert bootstrap_difference(answers, answers) == (0.0, 0.0)
    assert bootstrap_difference(answers, ~answers, seed=1) == bootstrap_difference(answers, ~answers, seed=1)


def test_paired_bootstrap_is_narrower_than_two_of_their_own() -> None:
    random = np.random.default_rng(2)
    before = random.random(400) < 0.7
    after = before.copy()
    after[:8] = ~after[:8]
    low, high = bootstrap_difference(before, after)
    alone = wilson(int(before.sum()), 400)
    assert alone is not None
    assert high - low < 0.5 * (alone[1] - alone[0])


def test_paired_bootstrap_wants_the_same_photos() -> None:
    with pytest.raises(ValueError, match=r"the answers have the shapes \(2,\) and \(3,\); give the same photos twice"):
        bootstrap_difference(np.ones(2, bool), np.ones(3, bool))


def test_bootstrap_of_the_calibration_error_equals_drawing_photos_again() -> None:
    generator = np.random.default_rng(0)
    best = generator.uniform(0.4, 1.0, 300)
    probabilities, labels = np.stack([best, 1 - best], axis=1), (generator.random(300) > 0.7).astype(np.int64)
    scores = []
    for _ in range(2000):
        drawn = generator.integers(0, 300, 300)
        scores.append(expected_calibration_error(probabilities[drawn], labels[drawn]))
    # Two bootstraps of 1000 and 2000 draws: their ends differ by chance by well under 0.01 here.
    bias = np.mean(scores) - expected_calibration_error(probabilities, labels)
    ends = tuple(np.maximum(0, np.quantile(scores, [0.025, 0.975]) - bias))
    assert bootstrap_ece(probabilities, labels) == pytest.approx(ends, abs=0.01)


@pytest.mark.parametrize("seed", range(10))
def test_the_calibration_error_of_a_calibrated_model_lies_in_its_own_interval(seed: int) -> None:
    generator = np.random.default_rng(seed)
    best = generator.uniform(0.5, 1.0, 300)
    probabilities, labels = np.stack([best, 1 - best], axis=1), (generator.random(300) > best).astype(np.int64)

    low, high = bootstrap_ece(probabilities, labels)

    assert low < expected_calibration_error(probabilities, labels) < high


def test_bootstrap_of_the_calibration_error_is_seeded_and_narrows() -> None:
    generator = np.random.default_rng(0)
    best = generator.uniform(0.5, 1.0, 20_000)
    probabilities, labels = np.stack([best, 1 - best], axis=1), (generator.random(20_000) > 0.7).astype(np.int64)
    assert bootstrap_ece(probabilities, labels, seed=1) == bootstrap_ece(probabilities, labels, seed=1)
    few, many = (bootstrap_ece(probabilities[:n], labels[:n]) for n in (200, 20_000))
    assert many[1] - many[0] < (few[1] - few[0]) / 4


def test_bootstrap_of_one_certain_photo_has_no_error() -> None:
    assert bootstrap_ece(np.array([[1.0, 0.0]]), np.array([0])) == (0.0, 0.0)
