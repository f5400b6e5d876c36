"""The fitted temperature: where the truth is known, at its bounds, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from visionft.metrics import evaluate_logits, fit_temperature, log_loss, softmax
from visionft.metrics.temperature import BOUNDS, PHOTOS_NEEDED


def drawn(n: int, scale: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits `scale` times those that the labels were drawn by."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(0, 2, (n, 5))
    labels = (softmax(truth).cumsum(1) < generator.random((n, 1))).sum(1)
    return truth * scale, labels


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_that_the_labels_were_drawn_by_is_found(scale: float) -> None:
    found = fit_temperature(*drawn(20_000, scale))

    assert found.temperature == pytest.approx(scale, rel=0.03)
    assert (found.fitted or scale == 1.0, found.photos) == (True, 20_000)


def test_calibrated_logits_are_left_alone_but_for_one_set_in_twenty() -> None:
    found = [fit_temperature(*drawn(300, 1.0, seed)) for seed in range(200)]

    assert all(one.temperature == 1.0 for one in found if not one.fitted)
    assert 2 <= sum(one.fitted for one in found) <= 20  # 10 expected


def test_a_small_set_still_shows_a_large_fault() -> None:
    assert all(fit_temperature(*drawn(100, 3.0, seed)).fitted for seed in range(20))


def test_it_has_the_least_loss_of_a_fine_grid() -> None:
    logits, labels = drawn(400, 2.0)

    best = log_loss(logits / fit_temperature(logits, labels).temperature, labels)

    grid = [log_loss(logits / t, labels) for t in np.geomspace(*BOUNDS, 400)]
    assert best <= min(grid) + 1e-4  # what the one photo of the prior may cost


def test_the_loss_is_convex_in_the_inverse_temperature() -> None:
    logits, labels = drawn(300, 2.0)
    inverse = np.linspace(1 / BOUNDS[1], 1 / BOUNDS[0], 200)

    losses = np.array([log_loss(logits * b, labels) for b in inverse])

    assert (np.diff(losses, 2) > -1e-12).all()


def test_photos_that_are_all_right_do_not_make_every_answer_certain() -> None:
    labels = np.arange(60) % 3
    logits = 2.0 * np.eye(3)[labels]

    found = fit_temperature(logits, labels).temperature

    assert 0.3 < found < 0.7
    assert softmax(logits / found).max() < 0.995


def test_answers_that_are_noise_stay_inside_the_bounds() -> None:
    logits = np.eye(4)[np.arange(200) % 4] * 50.0
    labels = np.arange(200) // 4 % 4

    assert 10 < fit_temperature(logits, labels).temperature <= BOUNDS[1]


@pytest.mark.parametrize("n", [0, 1, PHOTOS_NEEDED - 1])
def test_too_few_photos_change_nothing(n: int) -> None:
    found = fit_temperature(*drawn(n, 3.0))

    assert (found.temperature, found.fitted, found.photos) == (1.0, False, n)


def test_one_class_has_no_temperature() -> None:
    assert fit_temperature(np.ones((100, 1)), np.zeros(100, np.int64)).temperature == 1.0


def test_other_photos_of_the_same_kind_gain_and_no_label_changes() -> None:
    temperature = fit_temperature(*drawn(300, 0.4, seed=1)).temperature
    logits, labels = drawn(5_000, 0.4, seed=2)

    found = evaluate_logits(logits, labels, list("abcde"), temperature=temperature)

    assert found.uncalibrated is not None
    assert found.log_loss < found.uncalibrated.log_loss - 0.1
    assert found.ece < found.uncalibrated.ece / 4
    assert found.top1 == evaluate_logits(logits, labels, list("abcde")).top1
    assert found.log_loss == pytest.approx(
        np.mean(logsumexp(logits / temperature, axis=1) - (logits / temperature)[np.arange(5_000), labels])
    )


def test_figures_before_and_after_are_printed_and_written() -> None:
    logits, labels = drawn(300, 0.4)

    found = evaluate_logits(logits, labels, list("abcde"), temperature=0.4)

    told = found.to_json()
    assert told["temperature"] == 0.4
    assert set(told["uncalibrated"]) == {"log_loss", "ece", "ece_interval"}
    assert told["intervals"]["ece"][0] < told["ece"] < told["intervals"]["ece"][1]
    before = found.uncalibrated
    assert before is not None
    assert f"nats, {before.log_loss:.3f} before the temperature 0.40" in str(found)
    assert f"; {before.ece:.1%} before, 95 % interval " in str(found)
    assert evaluate_logits(logits, labels, list("abcde")).to_json()["uncalibrated"] is None
