"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in the paper


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], *, bins: int = BINS
) -> float:
    """Return the mean gap between confidence and accuracy over bins of confidence (Guo et al., arXiv 1706.04599).

    Args:
        probabilities: (N, C) in [0, 1], rows summing to 1; N at least 1.
        labels: (N,) class indices.
        bins: number of bins of equal width over (0, 1], each closed on its right.

    Returns:
        A share in [0, 1]; bins weigh as many photos as they hold.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(bin_of, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def log_loss(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the mean negative logarithm of the true class's probability, in nats.

    Computed from (N, C) logits, where no probability can round to zero.
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    logarithm = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(logarithm.mean())
