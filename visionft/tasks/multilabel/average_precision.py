"""Average precision of each label: exact, from a histogram that can be added up, and over photos drawn again.

AP is the mean, over the photos that have a label, of the precision at their score: the sum over distinct scores s,
falling, of (recall(s) - recall(before)) * precision(s), as scikit-learn has it. Photos of equal score count together;
entries that nobody knows count nowhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def measurable(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which labels (C,) some photos are known to have and others to lack, by entries (n, C) of 1, 0 and -1."""
    found: NDArray[np.bool_] = (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
    return found


def average_precision(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return (C,) AP in [0, 1]; nan of labels that are not measurable.

    Args:
        scores: (n, C) any numbers that rise with how surely a photo has a label.
        labels: (n, C) entries 1, 0, or -1 where nobody knows.
    """
    found: NDArray[np.float64] = average_precision_drawn(scores, labels, np.ones((1, len(labels))))[0]
    return found


def average_precision_drawn(
    scores: NDArray[np.floating], labels: NDArray[np.integer], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return (R, C) AP of R weighings of the photos; nan where a weighing leaves a label unmeasurable.

    Args:
        scores: (n, C).
        labels: (n, C) entries 1, 0 and -1.
        weights: (R, n) from 0 up, such as how often each photo was drawn.
    """
    found = np.full((len(weights), labels.shape[1]), np.nan)
    for label in np.flatnonzero(measurable(labels)):
        known = np.flatnonzero(labels[:, label] >= 0)
        order = known[np.argsort(-scores[known, label], kind="stable")]
        ends = np.flatnonzero(np.r_[np.diff(scores[order, label]) != 0, True])
        weighed = weights[:, order]
        total = np.cumsum(weighed, axis=1)[:, ends]
        hits = np.cumsum(weighed * (labels[order, label] == 1), axis=1)[:, ends]
        found[:, label] = _from_sums(hits, total)
    return found


def average_precision_binned(having: NDArray[np.floating], lacking: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (C,) AP from counts of photos (C, bins) by rising score: of those that have a label, and that lack it."""
    hits = np.cumsum(having[:, ::-1], axis=1)
    return _from_sums(hits, hits + np.cumsum(lacking[:, ::-1], axis=1))


def _from_sums(hits: NDArray[np.floating], total: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return AP (R,) from photos that have the label, and from all, (R, K) down to each of K falling scores."""
    precision = np.divide(hits, total, out=np.zeros(hits.shape), where=total > 0)
    gained = np.diff(hits, axis=1, prepend=0.0)
    having, lacking = hits[:, -1], total[:, -1] - hits[:, -1]
    seen = (having > 0) & (lacking > 0)
    mean = np.divide((gained * precision).sum(axis=1), having, out=np.zeros(len(hits)), where=seen)
    return np.where(seen, mean, np.nan)
