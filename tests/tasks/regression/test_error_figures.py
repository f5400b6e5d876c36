"""MAE, RMSE and R2 by their definitions, and intervals that cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from visionft.tasks.regression.error_figures import error_figures


def numbers(seed: int, n: int = 200, noise: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.normal(1000, 5, n).astype(np.float32)
    return (labels + random.normal(0, noise, n)).astype(np.float32), labels


def test_the_figures_are_those_of_scikit_learn() -> None:
    answers, labels = numbers(0)
    found = error_figures(answers, labels)
    truth, told = labels.astype(np.float64), answers.astype(np.float64)
    assert found.mae == pytest.approx(mean_absolute_error(truth, told), rel=1e-9)
    assert found.rmse == pytest.approx(root_mean_squared_error(truth, told), rel=1e-9)
    assert found.r2 == pytest.approx(r2_score(truth, told), rel=1e-9)
    assert (found.n, found.std) == (200, pytest.approx(truth.std()))


def test_the_mean_explains_nothing_and_a_perfect_answer_everything() -> None:
    labels = np.array([1.0, 2.0, 6.0], np.float32)
    assert error_figures(np.full(3, 3.0, np.float32), labels).r2 == pytest.approx(0.0)
    assert error_figures(labels, labels).r2 == 1.0
    assert (error_figures(labels[::-1].copy(), labels).r2 or 0.0) < 0


def test_one_number_alone_has_no_share_of_variance() -> None:
    found = error_figures(np.array([3.0, 5.0], np.float32), np.array([4.0, 4.0], np.float32))
    assert (found.mae, found.r2, found.intervals["r2"]) == (1.0, None, None)
    assert "all labels are one number" in str(found)


def test_intervals_cover_the_true_error_about_as_often_as_they_say() -> None:
    true_mae = 2.0 * np.sqrt(2 / np.pi)
    ends = [error_figures(*numbers(seed, 100), resamples=300).intervals["mae"] for seed in range(100)]
    covered = sum(low <= true_mae <= high for low, high in filter(None, ends))
    assert 85 <= covered <= 100  # of 100 at 95 %, fewer than 86 are one in thousands


def test_equal_seeds_give_equal_intervals_and_drawing_in_parts_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    first = error_figures(*numbers(1)).intervals
    monkeypatch.setattr("visionft.tasks.regression.error_figures._CHUNK_CELLS", 1000)
    assert error_figures(*numbers(1)).intervals == first


@pytest.mark.parametrize(
    ("answers", "labels", "words"),
    [
        (np.zeros(2), np.zeros(3), "give both as"),
        (np.zeros(0), np.zeros(0), "n at least 1"),
        (np.array([np.nan]), np.zeros(1), "diverged"),
    ],
)
def test_what_has_no_figures_is_refused(answers: np.ndarray, labels: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        error_figures(answers, labels)
