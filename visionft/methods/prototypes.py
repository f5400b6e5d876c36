"""A prototype for each class: the mean of its photos' features, in a space in which photos of one class lie close.

Prototypical networks answer with the nearest mean (Snell et al., arXiv 1703.05175). Here the space is that of the
frozen features, whitened by their covariance within classes, which is drawn to a multiple of the identity (Friedman
1989), and the answer is the prototype of the largest cosine: a prototype of length 1 says a direction, and a class of
few photos asks as loudly as one of many. The mean of k photos is off by a k-th of the variance within classes, which
makes it longer without pointing anywhere; so that much is taken off before the length is made 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from visionft.backbones import PrototypeHead
from visionft.metrics.calibration_error import log_loss
from visionft.metrics.temperature import best_inverse

Features = NDArray[np.floating]

SHRINKAGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, np.inf)
"""What is added to the variances within classes, as a multiple of their mean."""
LEAST_SIGNAL = 0.25
"""Share of a mean's squared length that is taken for its class's own at least, however few photos it is made of."""


@dataclass(frozen=True, eq=False)
class Space:
    """Where prototypes lie: all that a further class needs beside its own photos.

    Attributes:
        metric: (D, D) float32, symmetric: the inverse of the shrunken covariance, times the squared sharpness of the
            softmax.
        centre: (D,) float32, the mean of all training photos.
        noise: squared length, in the metric, that a single photo of a class is expected to lie off its mean.
    """

    metric: NDArray[np.float32]
    centre: NDArray[np.float32]
    noise: float

    @classmethod
    def of(cls, head: PrototypeHead) -> Space:
        """Return the space that a solved head keeps."""
        return cls(head.metric.cpu().numpy(), head.centre.cpu().numpy(), float(head.noise))

    def rows(self, means: Features, photos: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the rows of a linear head on raw features, (C, D) and (C,); each depends on its own class alone.

        Args:
            means: (C, D) of the classes' features.
            photos: (C,) that each mean is of, at least 1.
        """
        offset = means.astype(np.float64) - self.centre
        metric = self.metric.astype(np.float64)
        # A row at a time: a product of several may round a row by what stands beside it.
        weight = _directions(np.stack([metric @ row for row in offset]), offset, photos, self.noise)
        return weight.astype(np.float32), (-weight @ self.centre.astype(np.float64)).astype(np.float32)


class Prototypes(NamedTuple):
    """A head of prototypes.

    Attributes:
        space: in which further classes find their place.
        weight: (C, D) on the raw features.
        bias: (C,).
        shrinkage: that was kept; inf: plain distances.
    """

    space: Space
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    shrinkage: float


def solve(
    train: Features, labels: NDArray[np.integer], held_out: Features, held_out_labels: NDArray[np.integer]
) -> Prototypes:
    """Return the prototypes in the space of the least log-loss on validation, which also fits the softmax's sharpness.

    Args:
        train: (n, D) features of the training photos.
        labels: (n,) class indices; every class 0..C-1 occurs.
        held_out: (m, D) features of the validation photos.
        held_out_labels: (m,) their class indices; classes may be absent.
    """
    means, photos = class_means(train, labels)
    centre = train.mean(axis=0, dtype=np.float64)
    within = train - means[labels]
    # The means are of the same photos, which takes a degree of freedom a class: a half where classes have two photos.
    values, vectors = eigh(within.T @ within / max(1, len(train) - len(means)))
    values = np.maximum(values, 0.0)
    spread = values.mean() or float((train - centre).var()) or 1.0  # a photo a class says nothing of their variance
    turned, seen = (means - centre) @ vectors, (held_out - centre) @ vectors
    best: tuple[float, float, NDArray[np.float64]] | None = None
    for shrinkage in SHRINKAGES:
        inverse = np.full_like(values, 1 / spread) if np.isinf(shrinkage) else 1 / (values + shrinkage * spread)
        logits = seen @ _directions(turned * inverse, turned, photos, float(inverse @ values)).T
        sharpness = best_inverse(logits, held_out_labels)
        loss = log_loss(logits * sharpness, held_out_labels)
        if best is None or loss < best[0]:
            best = loss, shrinkage, inverse * sharpness**2
    assert best is not None
    _, shrinkage, inverse = best
    metric = ((vectors * inverse) @ vectors.T).astype(np.float32)
    space = Space(metric, centre.astype(np.float32), float(inverse @ values))
    return Prototypes(space, *space.rows(means, photos), shrinkage)


def class_means(features: Features, labels: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the means (C, D) of features (n, D) by class index (n,), and the photos (C,) of each."""
    photos = np.bincount(labels)
    sums = np.zeros((len(photos), features.shape[1]))
    np.add.at(sums, labels, features)
    return sums / np.maximum(photos, 1)[:, None], photos


def _directions(
    weight: NDArray[np.float64], offset: NDArray[np.float64], photos: NDArray[np.integer], noise: float
) -> NDArray[np.float64]:
    """Divide each row of metric times offset (C, D) by the length of the class's own part of the offset (C, D)."""
    length = np.einsum("cd,cd->c", weight, offset)
    own = np.maximum(length - noise / photos, LEAST_SIGNAL * length)
    divided: NDArray[np.float64] = weight / np.sqrt(np.maximum(own, np.finfo(np.float32).tiny))[:, None]
    return divided
