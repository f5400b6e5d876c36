"""Rates, smoothing, divergence and what a curve suggests, against curves whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from visionft.lr_finder.lr_curve import RunningLoss, decay_of, rate_at, read_curve, weights_of

RATES = np.array([rate_at(step, 100, 1e-7, 1.0) for step in range(100)])


def falling(steepest: float, noise: float = 0.0) -> np.ndarray:
    """Return losses that fall from 2 to 1, fastest at a rate, and rise from a hundredfold of it on."""
    decades = np.log10(RATES) - math.log10(steepest)
    fall = 2.0 - 1.0 / (1.0 + np.exp(-3.0 * decades))
    rise = np.exp(np.clip(4.0 * (decades - 2.0), None, 6.0))
    return fall + rise + noise * np.random.default_rng(0).standard_normal(len(RATES))


def test_rates_rise_by_one_factor_from_end_to_end() -> None:
    assert RATES[0] == pytest.approx(1e-7)
    assert RATES[-1] == pytest.approx(1.0)
    assert np.allclose(RATES[1:] / RATES[:-1], 10 ** (7 / 99))


def test_a_running_loss_is_not_pulled_to_zero() -> None:
    running = RunningLoss(0.9)
    assert not any(running.diverges(2.0) for _ in range(5))
    assert running.lowest == pytest.approx(2.0)
    assert not running.diverges(4.0)  # 2 and 4, weighed by 0.9 and 1 over what the weights of six steps come to
    fifth = sum(0.9**power for power in range(1, 6))
    assert running.average == pytest.approx((2.0 * fifth + 4.0) / (fifth + 1.0))


def test_four_times_the_lowest_and_no_number_diverge() -> None:
    running = RunningLoss(0.0)
    assert [running.diverges(loss) for loss in (2.0, 1.0, 3.9, 4.1)] == [False, False, False, True]
    assert RunningLoss(0.9).diverges(math.nan)
    assert RunningLoss(0.9).diverges(math.inf)


def test_running_losses_look_back_over_a_tenth_of_the_steps() -> None:
    assert [decay_of(steps) for steps in (5, 100, 200)] == [0.0, 0.9, 0.95]


def test_smoothing_keeps_constants_and_turns_in_their_place() -> None:
    weights = weights_of(101, 100)
    assert np.allclose(weights.sum(axis=1), 1.0)
    valley = np.abs(np.arange(101) - 50.0)
    assert (weights @ valley).argmin() == 50


@pytest.mark.parametrize("steepest", [1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_the_steepest_fall_is_found(steepest: float, noise: float) -> None:
    read = read_curve(RATES, falling(steepest, noise), 100, diverged=True, default=1e-2)
    assert read.lr is not None
    assert abs(math.log10(read.lr / steepest)) < 0.3
    assert "the loss falls fastest there" in read.reason


def test_how_far_the_loss_diverges_does_not_matter() -> None:
    losses = falling(1e-4)
    worse = np.where(RATES > 3e-2, losses * 50, losses)
    assert (
        read_curve(RATES, worse, 100, diverged=True, default=1e-2).lr
        == read_curve(RATES, losses, 100, diverged=True, default=1e-2).lr
    )


def test_a_loss_that_only_rises_keeps_a_default_below_its_edge_or_gives_a_tenth_of_that() -> None:
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(RATES))
    losses = 0.5 + noise + np.where(RATES > 1e-3, 5.0, 0.0)
    read = read_curve(RATES, losses, 100, diverged=True, default=1e-2)
    assert read.lr is not None
    assert 3e-5 < read.lr < 1e-4
    assert read.reason.startswith("the loss never clearly falls, and rises from a rate of ")
    kept = read_curve(RATES, losses, 100, diverged=True, default=2e-4)
    assert (kept.lr, kept.reason[-38:]) == (2e-4, "on: nothing speaks against the default")


def test_a_loss_that_does_nothing_suggests_nothing() -> None:
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(RATES))
    read = read_curve(RATES, 0.5 + noise, 100, diverged=False, default=1e-2)
    assert read.lr is None
    assert read.reason == "the loss neither clearly falls nor rises up to a rate of 1"


def test_a_rate_has_two_digits() -> None:
    lr = read_curve(RATES, falling(1e-4), 100, diverged=True, default=1e-2).lr
    assert lr == float(f"{lr:.2g}")
