"""The temperature and the known score of a finished network: validation fits them, training photos give the means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visionft.metrics import class_means
from visionft.metrics.temperature import PHOTOS_NEEDED
from visionft.runs.calibration_file import ACCEPTED, Calibration
from visionft.runs.learning import Outputs

MEAN_PHOTOS = 16
"""Photos of each class in its mean, where it has them: all of them gain 0.2 points of AUROC at most."""


def sample(labels: NDArray[np.int64], photos: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw training photos: some at random, and more of the classes that would have too few for a mean.

    Args:
        labels: (n,) class indices.
        photos: how many are drawn at random.
        seed: of the draw.

    Returns:
        Rising indices (m,), and which of them were drawn at random.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = np.argsort(labels[order], kind="stable")
    starts = np.searchsorted(labels[order][by_class], np.arange(labels.max() + 1))
    rank = np.empty(len(labels), np.int64)
    rank[by_class] = np.arange(len(labels)) - starts[labels[order][by_class]]
    drawn = np.arange(len(labels)) < photos
    wanted = drawn | (rank < MEAN_PHOTOS)
    rising = np.argsort(order[wanted])
    return order[wanted][rising], drawn[wanted][rising]


def calibrate(validation: Outputs, training: Outputs, classes: int) -> Calibration:
    """Fit the temperature and the known score's scale to validation photos."""
    means = class_means(training.embeddings, training.labels, classes)
    return Calibration.fit(validation.logits, validation.embeddings, validation.labels, means)


def sentence_of(calibration: Calibration) -> str:
    """Say what was fitted, or why nothing was."""
    found, threshold = calibration.temperature, calibration.answering().threshold
    if found.fitted:
        fitted = f"temperature {found.temperature:.3f} fitted to {found.photos:,} validation photos"
    elif found.photos < PHOTOS_NEEDED:
        fitted = f"temperature 1: {found.photos:,} validation photos are too few to fit one, {PHOTOS_NEEDED} are needed"
    else:
        fitted = f"temperature 1: on {found.photos:,} validation photos no other gains more than chance would"
    unknown = (
        "none, for want of photos to set a threshold by"
        if threshold is None
        else f"those with a known score below {threshold:.2f}, as {1 - ACCEPTED:.0%} of photos of these classes have"
    )
    return f"calibration: {fitted}\nan export answers as unknown: {unknown}"
