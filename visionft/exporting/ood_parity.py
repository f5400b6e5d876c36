"""The gate's second half: known scores and the flags that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from visionft.bundle import Answer

KNOWN_TOLERANCE = 1e-2
"""Relative to the score, and above 1 in size absolute: its spread among known photos is 1 to 2."""


@dataclass
class KnownTally:
    """What was seen of known scores so far.

    Attributes:
        threshold: the trained model's; minus infinity where there is none.
        n: answers compared; a photo that is also asked for in a batch counts each time.
        worst: largest difference of a score.
        beyond: answers whose score differs by more than the tolerance.
        flags: answers whose flag differs although their score is not near the threshold.
        first: path of the first such photo.
    """

    threshold: float
    n: int = 0
    worst: float = 0.0
    beyond: int = 0
    flags: int = 0
    first: str = ""

    def note(self, path: str, answer: Answer, score: float) -> None:
        """Compare an answer with the trained model's score."""
        self.n += 1
        difference, allowed = abs(answer.known_score - score), KNOWN_TOLERANCE * max(1.0, abs(score))
        self.worst = max(self.worst, math.inf if math.isnan(difference) else difference)
        beyond = not difference <= allowed
        flag = abs(score - self.threshold) > allowed and answer.unknown != bool(score < self.threshold)
        self.beyond, self.flags = self.beyond + beyond, self.flags + flag
        if (beyond or flag) and not self.first:
            self.first = path

    def fault(self) -> str | None:
        """Say what is wrong with the scores, if anything is."""
        if self.beyond:
            differ = f"{self.beyond:,} of {self.n:,} known scores differ, by up to {self.worst:.2g}"
            return f"{differ} (first: {self.first})"
        if self.flags:
            return f"{self.flags:,} of {self.n:,} photos are unknown to one of the two alone (first: {self.first})"
        return None


def lowest(threshold: float | None) -> float:
    """Return the threshold as a number, as float32 rounds it."""
    return -math.inf if threshold is None else float(np.float32(threshold))
