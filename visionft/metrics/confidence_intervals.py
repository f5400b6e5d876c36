"""Intervals: how far a figure could be off because the photos are few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.calibration_error import BINS

Z95 = 1.959963984540054  # the normal quantile of 97.5 %
RESAMPLES = 1000  # the ends of a 95 % interval then move by less than its width's 5 % from seed to seed
CELLS_A_BIN = 100  # confidences within 1/1500 of each other are taken for equal
_CHUNK_CELLS = 4_000_000  # resampled counts held in memory at once


def wilson(hits: float, n: float) -> tuple[float, float] | None:
    """Return the 95 % interval of a share by Wilson's score (JASA 22, 1927), in [0, 1]; None where n is 0.

    Numbers may be broken, where photos do not weigh alike.
    """
    if n == 0:
        return None
    share = hits / n
    scale = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / scale
    half = Z95 * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2)) / scale
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def f1_by_class(
    hits: NDArray[np.int64], support: NDArray[np.int64], answered: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (..., C) F1 in [0, 1]: 0 where a class with photos is never hit, nan where it has no photos."""
    f1: NDArray[np.float64] = np.divide(
        2.0 * hits, support + answered, out=np.zeros(hits.shape), where=support + answered > 0
    )
    return np.where(support > 0, f1, np.nan)


def bootstrap_macro_f1(
    confusion: NDArray[np.int64], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of macro-F1 over photos drawn again with replacement; None without photos.

    A draw of photos with replacement is a multinomial draw of the cells of the confusion matrix, so the cost does not
    depend on the number of photos. Within a draw the mean goes over the classes that it holds.

    Args:
        confusion: (C, C) counts, true class by answered class.
        seed: of the draws; equal seeds give equal intervals.
        resamples: number of draws.
    """
    true, answered = np.nonzero(confusion)
    counts = confusion[true, answered]
    if not counts.size:
        return None
    generator = np.random.default_rng(seed)
    chunk = max(1, _CHUNK_CELLS // max(counts.size, len(confusion)))
    scores = []
    for start in range(0, resamples, chunk):
        draws = generator.multinomial(counts.sum(), counts / counts.sum(), size=min(chunk, resamples - start))
        scores.append(np.nanmean(_resampled_f1(draws, true, answered, len(confusion)), axis=1))
    low, high = np.quantile(np.concatenate(scores), [0.025, 0.975])
    return float(low), float(high)


def bootstrap_difference(
    before: NDArray[np.bool_], after: NDArray[np.bool_], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean of `before - after` over photos drawn again with replacement.

    Paired: each photo is drawn with both of its answers, so what it has in common before and after cancels out. The
    differences are -1, 0 or 1, and a draw of photos is a multinomial draw of their three counts.

    Args:
        before: (N,) whether each photo was answered rightly, N at least 1.
        after: (N,) the same photos' other answers.
        seed: of the draws; equal seeds give equal intervals.
        resamples: number of draws.

    Raises:
        ValueError: the two are not of the same photos, or there is none.
    """
    if before.shape != after.shape or not before.size:
        raise ValueError(f"the answers have the shapes {before.shape} and {after.shape}; give the same photos twice")
    n = len(before)
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    shares = np.array([lost, gained, n - lost - gained]) / n
    draws = np.random.default_rng(seed).multinomial(n, shares, size=resamples)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / n, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_mean(values: NDArray[np.floating], *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean of few different values over draws with replacement.

    A draw of photos is a multinomial draw of the counts of the different values, such as differences of how many of
    several runs answer a photo rightly: `bootstrap_difference` for more than one run on each side.

    Args:
        values: (N,), one a photo, N at least 1.
        seed: of the draws; equal seeds give equal intervals.
        resamples: number of draws.

    Raises:
        ValueError: there is no value.
    """
    if not values.size:
        raise ValueError("there is no value; give one for each of at least one photo")
    different, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=resamples)
    low, high = np.quantile(draws @ different / len(values), [0.025, 0.975])
    return float(low), float(high)


def _resampled_f1(
    draws: NDArray[np.int64], true: NDArray[np.intp], answered: NDArray[np.intp], classes: int
) -> NDArray[np.float64]:
    """Return (R, C) F1 from (R, K) counts of K cells."""
    return f1_by_class(
        _summed(draws * (true == answered), true, classes),
        _summed(draws, true, classes),
        _summed(draws, answered, classes),
    )


def _summed(draws: NDArray[np.int64], column: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Return (R, C) sums of (R, K) counts by the class of each cell."""
    order = np.argsort(column, kind="stable")
    found, starts = np.unique(column[order], return_index=True)
    sums = np.zeros((len(draws), classes), np.int64)
    sums[:, found] = np.add.reduceat(draws[:, order], starts, axis=1)
    return sums


def bootstrap_ece(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % interval of the calibration error over photos drawn again with replacement.

    Photos are first gathered into cells of nearly equal confidence that are right, or wrong; a draw of photos is then a
    multinomial draw of cells, so the cost does not depend on the number of photos. A few photos in a bin make a gap by
    chance alone, and a draw of them a larger one still: by the mean that the draws lie above the error measured, their
    percentiles are moved down (the bootstrap's own estimate of bias, Efron and Tibshirani, 1993, chapter 10), to 0 at
    the least. Without that the interval of a calibrated model lies above its own error.

    Args:
        probabilities: (N, C) in [0, 1], rows summing to 1; N at least 1.
        labels: (N,) class indices.
        seed: of the draws; equal seeds give equal intervals.
        resamples: number of draws.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    fine = np.clip(np.ceil(confidence * BINS * CELLS_A_BIN).astype(np.int64) - 1, 0, BINS * CELLS_A_BIN - 1)
    cells, place, counts = np.unique(2 * fine + right, return_inverse=True, return_counts=True)
    gaps = np.bincount(place, weights=confidence - right) / counts
    of_bin = np.eye(BINS)[cells // 2 // CELLS_A_BIN] * gaps[:, None]
    draws = np.random.default_rng(seed).multinomial(len(labels), counts / len(labels), size=resamples)
    drawn = np.abs(draws @ of_bin).sum(axis=1) / len(labels)
    bias = drawn.mean() - np.abs(counts @ of_bin).sum() / len(labels)
    low, high = np.maximum(0.0, np.quantile(drawn, [0.025, 0.975]) - bias)
    return float(low), float(high)
