"""How often photos of each class come in an epoch: rare classes more often than they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POWERS = {"uniform": 1.0, "sqrt": 0.5, "balanced": 0.0}
"""A class of n photos has a share of an epoch in proportion to n to the power of this (arXiv 1910.09217, 3)."""


def class_shares(counts: Sequence[int] | NDArray[np.integer], sampling: str) -> NDArray[np.float64]:
    """Return the share (C,) of an epoch that each class has, in [0, 1], together 1; of a class without photos 0.

    Args:
        counts: (C,) photos of each class, some of them above 0.
        sampling: one of `POWERS`.
    """
    n = np.asarray(counts, np.float64)
    weights = np.where(n > 0, np.maximum(n, 1) ** POWERS[sampling], 0.0)
    return np.asarray(weights / weights.sum(), np.float64)


@dataclass(frozen=True, eq=False)
class ClassSampling:
    """Draws the photos of an epoch, as many as there are, class by class.

    Attributes:
        labels: (n,) class indices of the training photos.
        sampling: one of `POWERS`.
    """

    labels: NDArray[np.integer]
    sampling: str

    def drawn(self, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return photos (n,) in a random order, and how often each of them came before in the same epoch (n,).

        A class comes as often as its share says, but for a rounding that is right on average; its photos come in turn,
        so that none comes twice more often than another one.
        """
        n, counts = len(self.labels), np.bincount(self.labels)
        ends = np.cumsum(class_shares(counts, self.sampling)) * n
        ends[-1] = n
        # Systematic rounding: one draw for all classes keeps both the total and each expectation.
        wanted = np.diff(np.floor(np.r_[0.0, ends] + random.random())).astype(np.int64)
        by_class = np.split(np.argsort(self.labels, kind="stable"), np.cumsum(counts)[:-1])
        turns = [np.arange(times) // max(1, len(own)) for own, times in zip(by_class, wanted, strict=True)]
        photos = [_in_turn(own, times, random) for own, times in zip(by_class, wanted.tolist(), strict=True)]
        order = random.permutation(n)
        return np.concatenate(photos)[order], np.concatenate(turns)[order]


def _in_turn(photos: NDArray[np.int64], times: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return so many photos: all of them in a random order, again and again."""
    rounds = [random.permutation(photos) for _ in range(-(-times // max(1, len(photos))))]
    return np.concatenate([photos[:0], *rounds])[:times]
