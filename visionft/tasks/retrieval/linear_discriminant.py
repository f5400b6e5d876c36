"""The projection in closed form: linear discriminant analysis on features of the frozen backbone, no epochs.

Within a product photos should differ little, and the directions in which they do say nothing of it. So features are
whitened by the covariance within products, drawn to a multiple of the identity, and of what is left the principal
directions are kept: those of most variance between products first (Fisher 1936; regularised, Friedman 1989). Drawn all
the way it is the principal component analysis of the features; how far is chosen on validation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from visionft.metrics import unit
from visionft.tasks.retrieval.leave_one_out import leave_one_out

SHRINKAGES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, np.inf)
"""What is added to the variances within products, as a multiple of their mean."""


class Projection(NamedTuple):
    """A solved projection.

    Attributes:
        weight: (P, D) on the raw features.
        bias: (P,) so that the mean of the training photos becomes zero.
        shrinkage: of the covariance that was kept; inf: principal components.
        recall: recall@1 on validation, in [0, 1].
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    shrinkage: float
    recall: float


def solve(
    train: NDArray[np.floating],
    labels: NDArray[np.integer],
    held_out: NDArray[np.floating],
    held_out_labels: NDArray[np.integer],
    size: int,
) -> Projection:
    """Solve for each shrinkage, and keep the one of the best recall@1 on validation and, of equal ones, the best mAP.

    Args:
        train: (n, D) features of the training photos.
        labels: (n,) their products; one photo of a product says nothing of how its photos differ.
        held_out: (m, D) features of the validation photos.
        held_out_labels: (m,) their products, seen in training or not; one at least has two photos.
        size: P, the numbers of an embedding, at most D.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    centred = train - mean
    within = centred - _means(centred, labels)
    total = centred.T @ centred / len(train)
    values, vectors = eigh(within.T @ within / len(train))
    values = np.maximum(values, 0.0)
    scale = values.mean() or np.trace(total) / len(total) or 1.0  # features that are all the same have no variance
    best: tuple[tuple[float, float], Projection] | None = None
    for shrinkage in SHRINKAGES:
        whitening = vectors if np.isinf(shrinkage) else vectors / np.sqrt(values + shrinkage * scale)
        weight = _principal(whitening, total, size)
        key = _score(held_out, held_out_labels, weight, mean)
        if best is None or key > best[0]:
            found = Projection(weight.astype(np.float32), (-weight @ mean).astype(np.float32), shrinkage, key[0])
            best = key, found
    assert best is not None
    return best[1]


def _principal(whitening: NDArray[np.float64], total: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the rows (P, D) that whiten, and then keep the directions of most variance, the first one first."""
    n = len(total)
    _, directions = eigh(whitening.T @ total @ whitening, subset_by_index=[n - size, n - 1])
    rows: NDArray[np.float64] = (whitening @ directions[:, ::-1]).T
    return rows


def _means(features: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return for each photo the mean (n, D) of its product."""
    _, product, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), features.shape[1]))
    np.add.at(sums, product, features)
    means: NDArray[np.float64] = (sums / sizes[:, None])[product]
    return means


def _score(
    features: NDArray[np.floating], labels: NDArray[np.integer], weight: NDArray[np.float64], mean: NDArray[np.float64]
) -> tuple[float, float]:
    found = leave_one_out(unit((features - mean) @ weight.T), labels)
    return float((found.ranks == 1).mean()), float(found.precision.mean())
