"""Two classifiers on the same photos: how far apart they are, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from visionft.metrics.confidence_intervals import bootstrap_difference
from visionft.metrics.slices import holm

LEVEL = 0.05
"""Chance, over all pairs that were looked at, to name one where there is no difference."""


def mcnemar(lost: int, gained: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (Psychometrika 12, 1947), in [0, 1].

    Were both equally good, each photo that one alone answers rightly would be either's with chance one half.

    Args:
        lost: photos that the first alone answers rightly.
        gained: photos that the second alone answers rightly.
    """
    return min(1.0, 2 * float(bdtr(min(lost, gained), lost + gained, 0.5)))


@dataclass(frozen=True)
class PairedDifference:
    """A second classifier against a first one, on the same n photos.

    Attributes:
        first: place of the one that is compared with.
        second: place of the other.
        lost: photos that the first alone answers rightly.
        gained: photos that the second alone answers rightly.
        n: all photos, at least 1.
        interval: 95 % interval of `change`, by the paired bootstrap.
        p: McNemar's exact p-value.
        adjusted: the same after Holm's correction for all pairs that were looked at.
    """

    first: int
    second: int
    lost: int
    gained: int
    n: int
    interval: tuple[float, float]
    p: float
    adjusted: float

    @property
    def change(self) -> float:
        """The share of right answers gained from the first to the second, in [-1, 1]."""
        return (self.gained - self.lost) / self.n

    @property
    def named(self) -> bool:
        """Whether the difference is more than chance, all looks counted."""
        return self.adjusted < LEVEL

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "interval": list(self.interval), "change": self.change, "more_than_chance": self.named}


def paired_differences(right: NDArray[np.bool_]) -> list[PairedDifference]:
    """Compare every two of k classifiers, and correct for all these looks together (Holm, 1979).

    Args:
        right: (k, n) whether each answers each photo rightly; k at least 2, n at least 1.
    """
    found = [_pair(right, first, second) for first in range(len(right)) for second in range(first + 1, len(right))]
    adjusted = holm([pair.p for pair in found])
    return [replace(pair, adjusted=p) for pair, p in zip(found, adjusted, strict=True)]


def _pair(right: NDArray[np.bool_], first: int, second: int) -> PairedDifference:
    before, after = right[first], right[second]
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    p = mcnemar(lost, gained)
    return PairedDifference(first, second, lost, gained, len(before), bootstrap_difference(after, before), p, p)
