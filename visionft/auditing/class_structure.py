"""What classes tell as a whole: too few photos, one far larger than another, names that may be one, looks that are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visionft.auditing.findings import Finding
from visionft.wording.lists import count

if TYPE_CHECKING:
    from visionft.auditing.label_errors import LabelQuality

FEW = 10  # photos of a class: one or two are held out of each side then
IMBALANCE = 20.0  # times
CONFUSED = 0.25  # mean probability that photos of one class are given another
SHOWN = 20


def class_sizes(names: Sequence[str], numbers: NDArray[np.int64]) -> list[Finding]:
    """Return classes of few photos, and an imbalance between the largest and the smallest.

    Args:
        names: of the C classes.
        numbers: (C,) photos of each.
    """
    small = [
        Finding("small-class", f"{name!r} has {count(int(number), 'photo')}", figure=float(number))
        for name, number in zip(names, numbers, strict=True)
        if number < FEW
    ]
    if not len(numbers) or numbers.max() < IMBALANCE * numbers.min():
        return small
    most, least = int(numbers.argmax()), int(numbers.argmin())
    ratio = float(numbers[most] / numbers[least])
    words = f"{names[most]!r} has {numbers[most]:,} photos, {names[least]!r} {numbers[least]:,}: {ratio:.0f} times"
    return [*small, Finding("imbalance", words, figure=ratio)]


def class_names(notes: Sequence[str]) -> list[Finding]:
    """Return what the reading of the photos said of odd names."""
    begin = "odd classes: "
    found = [part for note in notes if note.startswith(begin) for part in note.removeprefix(begin).split("; ")]
    return [Finding("class-names", part) for part in found]


def alike(
    names: Sequence[str], labels: NDArray[np.int64], centroids: NDArray[np.float32], quality: LabelQuality
) -> list[Finding]:
    """Return pairs of classes whose photos are taken for each other, with the cosine of their mean embeddings.

    Args:
        names: of the C classes.
        labels: (n,) class indices.
        centroids: (C, D) mean of each class's embeddings, less the mean of all.
        quality: out-of-fold probabilities.
    """
    judged = ~np.isnan(quality.probabilities[:, 0])
    confusion = np.zeros((len(names), len(names)))
    np.add.at(confusion, labels[judged], quality.probabilities[judged])
    confusion /= np.maximum(1, np.bincount(labels[judged], minlength=len(names)))[:, None]
    np.fill_diagonal(confusion, 0)
    unit = centroids / np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    found = []
    for a, b in zip(*np.nonzero(confusion >= CONFUSED), strict=True):
        words = (
            f"{names[a]!r} is taken for {names[b]!r}: a photo is given it with probability {confusion[a, b]:.2f} on "
            f"average; cosine of their means {float(unit[a] @ unit[b]):.2f}"
        )
        found.append(Finding("alike", words, figure=float(confusion[a, b])))
    return sorted(found, key=lambda finding: -(finding.figure or 0))[:SHOWN]


def centroids(features: NDArray[np.float32], labels: NDArray[np.int64], sums: NDArray[np.float64]) -> None:
    """Add the embeddings (m, D) of photos to the sums (C, D) of their classes."""
    np.add.at(sums, labels, features)
