"""Accuracy by how many training photos a class has: what a long tail hides from the mean over photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import wilson
from visionft.metrics.results import ClassRow

MANY, FEW = 100, 20
"""Classes of more, and of fewer, training photos are head and tail (many, medium and few shot, arXiv 1904.05160)."""
LEAST_RATIO = 5
"""Of the most frequent class to the rarest, from which on training photos are worth the word unbalanced."""


@dataclass(frozen=True)
class Shots:
    """The classes of one part of the tail.

    Attributes:
        name: head, middle or tail.
        classes: of it that have photos here.
        training: least and most training photos of a class.
        n: photos here.
        accuracy: mean over the classes of the share answered rightly, in [0, 1]: each class counts alike.
        interval: 95 % interval of it, by the photos that it is worth (see `mean_interval`).
    """

    name: str
    classes: int
    training: tuple[int, int]
    n: int
    accuracy: float
    interval: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "classes": self.classes,
            "training": list(self.training),
            "n": self.n,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
        }

    def __str__(self) -> str:
        low, high = self.interval
        least, most = self.training
        each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        many = "class" if self.classes == 1 else "classes"
        return f"{self.name} ({self.classes:,} {many} of {each}) {self.accuracy:.1%} ({low:.1%} to {high:.1%})"


def shots(rows: Sequence[ClassRow], training: Mapping[str, int]) -> tuple[Shots, ...]:
    """Return head, middle and tail, those that have photos; nothing where training photos are balanced, or all alike.

    Args:
        rows: one a class.
        training: training photos by the class's name.
    """
    counts = [training.get(row.name, 0) for row in rows]
    if not counts or max(counts) < LEAST_RATIO * max(1, min(counts)):
        return ()
    parts = {"head": (MANY + 1, None), "middle": (FEW, MANY), "tail": (0, FEW - 1)}
    found = []
    for name, (least, most) in parts.items():
        own = [
            (row, photos)
            for row, photos in zip(rows, counts, strict=True)
            if row.support and photos >= least and (most is None or photos <= most)
        ]
        if own:
            found.append(_shots(name, own))
    return tuple(found) if len(found) > 1 else ()


def _shots(name: str, own: Sequence[tuple[ClassRow, int]]) -> Shots:
    supports = np.array([row.support for row, _ in own])
    recalls = np.array([row.recall for row, _ in own], float)
    numbers = [photos for _, photos in own]
    training = (min(numbers), max(numbers))
    interval = mean_interval(np.rint(recalls * supports).astype(np.int64), supports)
    return Shots(name, len(own), training, int(supports.sum()), float(recalls.mean()), interval)


def mean_interval(hits: NDArray[np.integer], n: NDArray[np.integer]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of classes' shares, in [0, 1].

    It is Wilson's for as many photos as would tell a share as well, were they of one class: by Kish's effective sample
    size (Survey Sampling, 1965), as each photo weighs the inverse of its class's. Photos drawn again within each class
    would say of classes with a photo each that nothing can be otherwise.

    Args:
        hits: (K,) photos answered rightly, K at least 1.
        n: (K,) photos, each at least 1.
    """
    effective = len(n) ** 2 / float((1 / n).sum())
    interval = wilson(float((hits / n).mean()) * effective, effective)
    assert interval is not None, "each class has a photo"
    return interval
