"""Temperature scaling (Guo et al., arXiv 1706.04599): one number that makes probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from visionft.metrics.calibration_error import log_loss

PHOTOS_NEEDED = 50
"""Photos below which nothing is fitted: one fitted number costs about 1 / (2 n) nats by chance, here 0.01."""
SHARPNESS = (1e-3, 1e3)
"""Factors that are possible on logits whose mean distance from their middle is 1."""
CHANCE = 3.84
"""Twice the log-likelihood that one needless number gains with 5 % chance: the 95 % quantile of chi-squared (Wilks)."""
BOUNDS = (0.05, 20.0)
"""Temperatures that are possible: beyond them every answer is certain, or none is."""


@dataclass(frozen=True)
class Temperature:
    """A temperature and what it was fitted on.

    Attributes:
        temperature: what logits are divided by, above 0; 1 changes nothing.
        photos: photos it was fitted on.
        fitted: whether there were enough of them, and they ask for another temperature than 1.
    """

    temperature: float
    photos: int
    fitted: bool


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Temperature:
    """Return the temperature of least log-loss; 1 where photos are too few or gain no more by it than chance would.

    A head that was solved is calibrated as it is: a needless temperature would only add the noise of its fit.

    Args:
        logits: (N, C) raw scores, finite.
        labels: (N,) class indices.
    """
    n = len(labels)
    if n < PHOTOS_NEEDED or logits.shape[1] < 2:
        return Temperature(1.0, n, fitted=False)

    loss = _penalised(logits, labels)
    found = _least(loss, 1 / BOUNDS[1], 1 / BOUNDS[0])
    gain = 2 * n * (loss(1.0) - loss(found))
    return Temperature(1 / found, n, fitted=True) if gain > CHANCE else Temperature(1.0, n, fitted=False)


def best_inverse(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return what logits (N, C) of no scale of their own are multiplied by for the least log-loss, N at least 1."""
    size = float(np.abs(logits - logits.mean(axis=1, keepdims=True)).mean())
    if not size:  # every class is as likely at any scale
        return 1.0
    return _least(_penalised(logits / size, labels), *SHARPNESS) / size


def _penalised(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Callable[[float], float]:
    """Return the loss of an inverse temperature b, convex in it.

    Added to the sum over photos is b - 1 - log b, convex too and least at 1: it weighs as much as one photo, and keeps
    a set that is answered rightly throughout from making every answer certain.
    """
    n = len(labels)
    return lambda inverse: log_loss(logits * inverse, labels) + float(inverse - 1 - np.log(inverse)) / n


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    return float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)
