"""How surely a photo is of a known class: its largest logit and its nearness to a class mean, added.

A head is sure of many photos that resemble nothing it has seen, and class means are near many photos of sister classes;
the sum is fooled by neither (benchmarks/rejection.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SPREAD = 1e-3
"""Smallest standard deviation: a part that hardly varies among known photos must not make rounding visible."""


@dataclass(frozen=True, eq=False)
class KnownScale:
    """What the score is measured by.

    Attributes:
        means: (C, D) float32 mean directions of the classes, of length 1; None: the score is the logit's part alone.
        logit: mean and standard deviation of the largest logit over known photos.
        cosine: mean and standard deviation of the cosine to the nearest class mean over known photos.
    """

    means: NDArray[np.float32] | None
    logit: tuple[float, float]
    cosine: tuple[float, float]

    @classmethod
    def of(
        cls, logits: NDArray[np.floating], embeddings: NDArray[np.floating], means: NDArray[np.float32]
    ) -> KnownScale:
        """Measure mean and spread on validation photos: logits (n, C), embeddings (n, D) of length 1; n at least 1."""
        return cls(means, _spread(logits.max(axis=1)), _spread((embeddings @ means.T).max(axis=1)))

    @classmethod
    def plain(cls) -> KnownScale:
        """Return the scale by which the score is the largest logit."""
        return cls(None, (0.0, 1.0), (0.0, 1.0))


def class_means(embeddings: NDArray[np.floating], labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Return the (C, D) mean directions of embeddings (n, D) of length 1; a class without photos has zeros."""
    sums = np.zeros((classes, embeddings.shape[1]))
    np.add.at(sums, labels, embeddings)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def known_scores(
    logits: NDArray[np.floating], embeddings: NDArray[np.floating], scale: KnownScale
) -> NDArray[np.float32]:
    """Return (n,) scores, higher for what is more surely known: about 0 on average for known photos.

    Args:
        logits: (n, C) raw.
        embeddings: (n, D) of length 1.
        scale: of the run.
    """
    logit = (logits.max(axis=1) - scale.logit[0]) / scale.logit[1]
    if scale.means is None:
        return np.asarray(logit, np.float32)
    cosine = ((embeddings @ scale.means.T).max(axis=1) - scale.cosine[0]) / scale.cosine[1]
    return np.asarray(logit + cosine, np.float32)


def unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return features (n, D) at length 1, as `embedding` of a bundle; zeros stay zeros."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), np.float32)  # torch's F.normalize has the same lower bound


def _spread(values: NDArray[np.floating]) -> tuple[float, float]:
    return float(values.mean()), max(float(values.std()), LEAST_SPREAD)
