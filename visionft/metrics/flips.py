"""Two classifiers on the same photos: how much worse the second may be, by the photos on which one alone is right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Z95_ONE_SIDED = 1.6448536269514722  # the normal quantile of 95 %


@dataclass(frozen=True)
class Flips:
    """Photos that one of two classifiers alone answers rightly.

    Attributes:
        lost: photos that were right and are wrong.
        gained: photos that were wrong and are right.
        n: all photos, at least 1.
    """

    lost: int
    gained: int
    n: int

    @classmethod
    def of(cls, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Flips:
        """Count them from whether each of the same n photos was answered rightly, (n,) before and (n,) after."""
        return cls(int((before & ~after).sum()), int((after & ~before).sum()), len(before))

    @property
    def loss(self) -> float:
        """The accuracy lost, in [-1, 1]."""
        return (self.lost - self.gained) / self.n

    def upper(self) -> float:
        """Return the one-sided 95 % upper bound of the loss, in [-1, 1].

        Tango's score bound for a difference of paired proportions (Statistics in Medicine 17, 1998, 891-908): the loss
        at which what was seen lies 1.645 standard errors below what was to be expected, the error being that of the
        likeliest shares with this loss. Photos that both answer alike narrow it by their number alone.
        """
        if self.lost == self.n:
            return 1.0
        found = brentq(lambda loss: self._score(loss) + Z95_ONE_SIDED, max(self.loss, -1 + 1e-12), 1 - 1e-12)
        return float(found)

    def photos_needed(self, limit: float) -> int | None:
        """Return the photos with which the same shares would bring the bound to a limit in (0, 1).

        None where no number would: the loss itself is as large. The score grows with the root of the number.
        """
        if self.loss >= limit:
            return None
        return math.ceil(self.n * (Z95_ONE_SIDED / self._score(limit)) ** 2 - 1e-9)

    def _score(self, loss: float) -> float:
        """Return Tango's statistic of a supposed loss in (-1, 1): positive below what was seen, negative above."""
        lost, gained, n = self.lost, self.gained, self.n
        middle = -lost - gained + (2 * n - lost + gained) * loss
        root = math.sqrt(max(0.0, middle * middle + 8 * n * gained * loss * (1 - loss)))
        share = max(0.0, -loss, (root - middle) / (4 * n))
        variance, distance = n * (2 * share + loss * (1 - loss)), lost - gained - n * loss
        if variance <= 0:  # nothing can flip, by the supposed shares
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)
