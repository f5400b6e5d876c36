"""Solve the linear head on features of the frozen backbone: ridge regression, no epochs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

STRENGTHS = tuple(10.0 ** (k / 2) for k in range(4, -9, -1))  # 100 to 1e-4 a photo, on standardised features


class Ridged(NamedTuple):
    """A solved head.

    Attributes:
        weight: (1, D) on the raw features.
        bias: (1,).
        strength: of the regularisation that was kept, a photo.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float


def solve(
    train: NDArray[np.floating],
    labels: NDArray[np.floating],
    held_out: NDArray[np.floating],
    held_out_labels: NDArray[np.floating],
) -> Ridged:
    """Fit ridge regressions of falling strength, and keep the one of the least squared error on validation.

    Args:
        train: (n, D) features of the training photos.
        labels: (n,) standardised numbers.
        held_out: (m, D) features of the validation photos.
        held_out_labels: (m,) their numbers, standardised alike.
    """
    mean, scale = train.mean(0), train.std(0) + 1e-6
    x, y = ((part - mean) / scale for part in (train.astype(np.float64), held_out.astype(np.float64)))
    fits = [Ridge(alpha=strength * len(x)).fit(x, labels) for strength in STRENGTHS]
    errors = [float(np.square(fit.predict(y) - held_out_labels).mean()) for fit in fits]
    best = fits[int(np.argmin(errors))]
    weight = best.coef_ / scale
    bias = best.intercept_ - weight @ mean
    return Ridged(weight[None].astype(np.float32), np.array([bias], np.float32), STRENGTHS[int(np.argmin(errors))])
