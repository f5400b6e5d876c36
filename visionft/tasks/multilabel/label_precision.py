"""Thresholds that hold a stated precision: with 95 % confidence for each label, or it is never chosen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

LEVEL = 0.05
"""Chance, for a label by itself, that its precision is lower than stated."""
STEP = 1.5
"""Numbers of chosen photos that are looked at are so much apart: more looks would need more photos for each."""
NEVER = float(np.nextafter(np.float32(1), np.float32(2)))
"""The threshold of a label that no number of photos holds the precision of: no probability reaches it."""


class Held(NamedTuple):
    """What holds a precision, of C labels.

    Attributes:
        thresholds: (C,) float32; `NEVER` where nothing holds it.
        bounds: (C,) lower bounds of the precision, in [0, 1]; nan where nothing holds it.
        chosen: (C,) validation photos that are chosen so.
    """

    thresholds: NDArray[np.float32]
    bounds: NDArray[np.float64]
    chosen: NDArray[np.int64]


def lower_bound(hits: int, n: int, level: float = LEVEL) -> float:
    """Return the lower end of a share, in [0, 1], that is too high with a chance of `level` at most.

    Exact, of Clopper and Pearson (Biometrika 26, 1934), one-sided: hits of n, n at least 1.
    """
    return 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, level))


def precise_thresholds(probabilities: NDArray[np.float32], labels: NDArray[np.integer], target: float) -> Held:
    """Return the lowest threshold of each label whose precision is at least the target, with 95 % confidence.

    Looked at are a few numbers of most probable photos, which are fixed before any label is seen, and the chance to be
    wrong is shared among them (Bonferroni): so it is 5 % for the threshold that is kept too.

    Args:
        probabilities: (n, C) in [0, 1].
        labels: (n, C) entries 1, 0, or -1 where nobody knows; such photos have no part in the label's threshold.
        target: precision, in (0, 1).
    """
    width = labels.shape[1]
    found = Held(np.full(width, NEVER, np.float32), np.full(width, np.nan), np.zeros(width, np.int64))
    for label in range(width):
        known = labels[:, label] >= 0
        _hold(found, label, probabilities[known, label], labels[known, label] == 1, target)
    return found


def sizes(photos: int, target: float) -> list[int]:
    """Return the numbers of chosen photos that are looked at, the largest first."""
    least, found = np.log(LEVEL) / np.log(target), list[int]()  # fewer could not hold it if all of them were right
    size = float(photos)
    while size >= least:
        found.append(int(size))
        size /= STEP
    return found


def between(ordered: NDArray[np.float32], end: int) -> np.float32:
    """Return what parts the place `end` of falling scores (n,) from the next lower one, half-way."""
    upper, lower = ordered[end], ordered[end + 1] if end + 1 < len(ordered) else np.float32(0)
    middle = np.float32((float(upper) + float(lower)) / 2)
    return middle if middle > lower else np.float32(max(upper, np.finfo(np.float32).tiny))


def _hold(found: Held, label: int, scores: NDArray[np.float32], has: NDArray[np.bool_], target: float) -> None:
    looks = sizes(len(scores), target)
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(has[order])
    ends = np.flatnonzero(np.r_[np.diff(ordered) != 0, True]) if len(ordered) else np.zeros(0, np.int64)
    for size in looks:
        whole = ends[ends < size]  # photos of one score are chosen together
        if not len(whole):
            continue
        end = int(whole[-1])
        bound = lower_bound(int(hits[end]), end + 1, LEVEL / len(looks))
        if bound >= target:
            found.thresholds[label], found.bounds[label] = between(ordered, end), bound
            found.chosen[label] = end + 1
            return
