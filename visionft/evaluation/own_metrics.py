"""Figures of the caller's own, from functions of truth and answers, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.errors import UsageError

MetricFunction = Callable[[NDArray[Any], NDArray[np.float32]], float]
"""From truth and answers to a figure: of classes indices int64 (n,) and calibrated probabilities (n, C), of numbers
numbers (n,) and (n,), in the labels' unit, of several labels entries int8 (n, C) of 1, 0 and -1 for unknown, and
probabilities (n, C)."""

RESAMPLES = 200  # a stranger's function may be slow; the ends of the interval move by a tenth of its width at most
MISSING = "it does not exist for every draw of photos"
LEAST = 0.9  # share of the resamples that a figure has to exist for: of some classes alone many a metric has none


@dataclass(frozen=True)
class OwnFigure:
    """A figure of the caller's own.

    Attributes:
        value: on all photos.
        interval: 95 % percentile interval over photos drawn again with replacement; none where the figure exists for
            too few of the draws, or photos answer one another.
        compared: whether photos answer one another, so that none may be drawn twice.
    """

    value: float
    interval: tuple[float, float] | None
    compared: bool = False

    def __str__(self) -> str:
        if self.interval is None:
            why = "photos find one another, and one drawn twice would find itself" if self.compared else MISSING
            return f"{self.value:.4f} (no interval: {why})"
        return f"{self.value:.4f} (95 % interval {self.interval[0]:.4f} to {self.interval[1]:.4f})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"value": self.value, "interval": list(self.interval) if self.interval else None}


def require_metrics(metrics: Any) -> Mapping[str, MetricFunction]:
    """Return functions by name.

    Raises:
        UsageError: these are none.
    """
    if not isinstance(metrics, Mapping):
        raise UsageError(
            f"metrics= takes functions by name, such as {{'kappa': f}}, and was given {type(metrics).__name__}"
        )
    for name, function in metrics.items():
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UsageError(f"metrics= names its functions by text, and one is called {name!r}")
        if not callable(function):
            raise UsageError(f"metrics= {name} is no function: {type(function).__name__} was given")
    return metrics


def own_figures(
    metrics: Mapping[str, MetricFunction],
    truth: NDArray[Any],
    answers: NDArray[np.float32],
    seed: int = 0,
    *,
    compared: bool = False,
) -> dict[str, OwnFigure]:
    """Compute figures by name.

    Args:
        metrics: functions by name.
        truth: (n,) labels.
        answers: (n, C) or (n,), of the same photos.
        seed: of the resamples.
        compared: whether photos answer one another, as embeddings do: there is no interval then, as a photo that is
            drawn twice finds its own copy.

    Raises:
        UsageError: a function fails on all photos, or returns no finite number.
    """
    found = {}
    for name, function in metrics.items():
        value = _value(name, function, truth, answers)
        interval = None if compared else _interval(function, truth, answers, seed)
        found[name] = OwnFigure(value, interval, compared)
    return found


def _value(name: str, function: MetricFunction, truth: NDArray[Any], answers: NDArray[np.float32]) -> float:
    try:
        found: Any = function(truth, answers)
        value = float(found)
    except Exception as error:  # whatever a stranger's function may raise
        raise UsageError(
            f"metrics= {name} fails on truth {list(truth.shape)} and answers {list(answers.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not math.isfinite(value):
        raise UsageError(f"metrics= {name} returned {value}; a figure is a finite number")
    return value


def _interval(
    function: MetricFunction, truth: NDArray[Any], answers: NDArray[np.float32], seed: int
) -> tuple[float, float] | None:
    """Return the ends of the interval; none where the figure exists for too few of the draws."""
    random = np.random.default_rng(seed)
    draws = [_drawn(function, truth, answers, random) for _ in range(RESAMPLES)]
    there = [draw for draw in draws if math.isfinite(draw)]
    if len(there) < LEAST * RESAMPLES:
        return None
    low, high = np.quantile(there, [0.025, 0.975])
    return float(low), float(high)


def _drawn(
    function: MetricFunction, truth: NDArray[Any], answers: NDArray[np.float32], random: np.random.Generator
) -> float:
    """Return the figure of n photos drawn with replacement; nan where it does not exist for them."""
    chosen = random.integers(0, len(truth), len(truth))
    try:
        return float(function(truth[chosen], answers[chosen]))
    except Exception:  # noqa: BLE001  # such as an area under a curve of one class alone
        return math.nan
