"""The scores that benchmarks/rejection.py compares: higher for photos of known classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from visionft.finishing.calibrate import sample
from visionft.finishing.final_metrics import TRAIN_SAMPLE
from visionft.metrics import KnownScale, class_means, known_scores

Array = NDArray[np.floating]
Head = Callable[[Array], Array]
Score = Callable[[Array], Array]
"""Features (n, D) to scores (n,)."""
Candidate = Callable[["Known"], Score]
NEIGHBOURS, MAIN_DIRECTIONS = 10, 256


@dataclass(frozen=True)
class Known:
    """What a score may know of known photos.

    Attributes:
        train: features (n, D) of training photos.
        labels: (n,) their classes, 0 to K - 1.
        validation: features (m, D) of validation photos.
        head: features to raw logits.
        temperature: fitted on validation.
    """

    train: Array
    labels: NDArray[np.int64]
    validation: Array
    head: Head
    temperature: float

    def means(self, features: Array) -> Array:
        """Return the means (K, D) of the rows of each class."""
        return np.stack([features[self.labels == k].mean(0) for k in range(self.labels.max() + 1)])


def unit(x: Array) -> Array:
    """Return rows of length 1."""
    lengths: Array = x / np.linalg.norm(x, axis=1, keepdims=True)
    return lengths


def probability(known: Known) -> Score:
    """Largest calibrated probability (arXiv 1610.02136)."""

    def score(x: Array) -> Array:
        logits = known.head(x) / known.temperature
        best: Array = np.exp(logits.max(1) - logsumexp(logits, axis=1))
        return best

    return score


def logit(known: Known) -> Score:
    """Largest raw logit (arXiv 1911.11132)."""
    return lambda x: known.head(x).max(1)


def energy(known: Known) -> Score:
    """Minus the free energy of raw logits (arXiv 2010.03759)."""
    return lambda x: np.asarray(logsumexp(known.head(x), axis=1))


def cosine(known: Known) -> Score:
    """Cosine to the nearest class mean of unit embeddings."""
    centres = unit(known.means(unit(known.train)))
    return lambda x: (unit(x) @ centres.T).max(1)


def neighbour(known: Known) -> Score:
    """Cosine to the tenth nearest training photo (arXiv 2204.06507)."""
    train = unit(known.train)
    return lambda x: -np.partition(-(unit(x) @ train.T), NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]


def relative_mahalanobis(known: Known) -> Score:
    """Distance to the nearest class less that to all classes together (arXiv 2106.09022); shrunken covariances."""
    centres, middle = known.means(known.train), known.train.mean(0)
    within, whole = whitening(known.train - centres[known.labels]), whitening(known.train - middle)
    corners = centres @ within

    def score(x: Array) -> Array:
        white, base = x @ within, (((x - middle) @ whole) ** 2).sum(1)
        nearest = ((white**2).sum(1, keepdims=True) - 2 * white @ corners.T + (corners**2).sum(1)).min(1)
        return np.asarray(base - nearest)

    return score


def whitening(centred: Array) -> Array:
    """Return what makes the covariance one, after a tenth of it is shrunk towards a multiple of the identity."""
    covariance = centred.T @ centred / len(centred)
    ridge = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(0.9 * covariance + 0.1 * ridge)
    return np.asarray(vectors / np.sqrt(values), np.float32)


def residual(known: Known) -> Score:
    """Energy less the scaled length outside the 256 main directions of training (arXiv 2203.10807)."""
    middle = known.train.mean(0)
    _, vectors = np.linalg.eigh((known.train - middle).T @ (known.train - middle))
    rest, free = vectors[:, :-MAIN_DIRECTIONS], energy(known)

    def length(x: Array) -> Array:
        lengths: Array = np.linalg.norm((x - middle) @ rest, axis=1)
        return lengths

    scale = logit(known)(known.validation).mean() / length(known.validation).mean()
    return lambda x: free(x) - scale * length(x)


def guided(known: Known) -> Score:
    """Largest logit times the cosine to the nearest class mean, after arXiv 2309.14888."""
    return lambda x: logit(known)(x) * cosine(known)(x)


def summed(first: Candidate, second: Candidate) -> Candidate:
    """Add two scores, each in standard deviations from its mean over validation photos."""

    def candidate(known: Known) -> Score:
        parts = [part(known) for part in (first, second)]
        seen = [part(known.validation) for part in parts]
        return lambda x: np.sum([(part(x) - v.mean()) / v.std() for part, v in zip(parts, seen, strict=True)], axis=0)

    return candidate


def product(known: Known) -> Score:
    """The last of them as `fit` makes it: means of a sample of training photos."""
    chosen, _ = sample(known.labels, TRAIN_SAMPLE, 0)
    means = class_means(unit(known.train[chosen]), known.labels[chosen], int(known.labels.max()) + 1)
    scale = KnownScale.of(known.head(known.validation), unit(known.validation), means)
    return lambda x: known_scores(known.head(x), unit(x), scale)


SCORES: dict[str, Candidate] = {
    "max probability": probability,
    "max logit": logit,
    "energy": energy,
    "cosine": cosine,
    "relative Mahalanobis": relative_mahalanobis,
    "10th neighbour": neighbour,
    "residual": residual,
    "logit x cosine": guided,
    "probability + cosine": summed(probability, cosine),
    "logit + 10th neighbour": summed(logit, neighbour),
    "logit + cosine": summed(logit, cosine),
    "known_score": product,
}
