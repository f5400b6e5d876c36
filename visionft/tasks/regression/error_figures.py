"""How far numbers are off: MAE, RMSE and R2, with intervals from photos drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import RESAMPLES

Interval = tuple[float, float]
_CHUNK_CELLS = 4_000_000  # drawn counts held in memory at once


@dataclass(frozen=True)
class ErrorFigures:
    """The figures of a set of photos, in the labels' own unit.

    Attributes:
        n: photos.
        mae: mean absolute error.
        rmse: root of the mean squared error.
        r2: share of the labels' variance that the answers explain, at most 1, and below 0 where their mean would be a
            better answer; None where all labels are one number.
        lowest: of the labels.
        highest: of the labels.
        std: standard deviation of the labels.
        intervals: 95 % intervals of mae, rmse and r2 (bootstrap over photos).
    """

    n: int
    mae: float
    rmse: float
    r2: float | None
    lowest: float
    highest: float
    std: float
    intervals: dict[str, Interval | None]

    @property
    def headline(self) -> str:
        """The mean absolute error with its interval."""
        ends = _ends(self.intervals.get("mae"))
        return f"MAE is {self.mae:.4g}{f' ({ends})' if ends else ''}"

    def summary(self) -> dict[str, Any]:
        """Return the figures that the command line's JSON line holds."""
        return {"mae": self.mae, "rmse": self.rmse, "r2": self.r2, "n": self.n}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        ends = {name: list(pair) if pair else None for name, pair in self.intervals.items()}
        return {
            **self.summary(),
            "lowest": self.lowest,
            "highest": self.highest,
            "std": self.std,
            "intervals": ends,
        }

    def __str__(self) -> str:
        lines = [f"  {name:4}  {value:>8}  {aside}".rstrip() for name, value, aside in self._rows()]
        return "\n".join([self._subject(), *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{value}</td><td>{aside}</td></tr>" for name, value, aside in self._rows()
        )
        return f"<p>{escape(self._subject())}</p><table>{rows}</table>"

    def _subject(self) -> str:
        return f"{self.n:,} photos, numbers from {self.lowest:.4g} to {self.highest:.4g}"

    def _rows(self) -> list[tuple[str, str, str]]:
        share = "none" if self.r2 is None else f"{self.r2:.3f}"
        return [
            ("MAE", f"{self.mae:.4g}", _ends(self.intervals.get("mae"))),
            ("RMSE", f"{self.rmse:.4g}", _ends(self.intervals.get("rmse"))),
            ("R2", share, _ends(self.intervals.get("r2")) or "all labels are one number"),
        ]


def error_figures(
    answers: NDArray[np.floating], labels: NDArray[np.floating], *, seed: int = 0, resamples: int = RESAMPLES
) -> ErrorFigures:
    """Return all figures of a set of photos.

    Args:
        answers: (n,) finite, n at least 1.
        labels: (n,) the true numbers.
        seed: of the bootstrap; equal seeds give equal intervals.
        resamples: number of draws.

    Raises:
        ValueError: the shapes do not fit, there is no photo, or an answer is not finite.
    """
    if answers.shape != labels.shape or answers.ndim != 1 or not len(labels):
        raise ValueError(f"answers {answers.shape} and labels {labels.shape}; give both as (n,), n at least 1")
    if not np.isfinite(answers).all():
        raise ValueError("some answers are not finite; the model has diverged")
    truth = labels.astype(np.float64)
    columns = _columns(answers.astype(np.float64) - truth, truth - truth.mean())
    weights = np.ones((1, len(truth)))
    mae, rmse, r2 = (float(values[0]) for values in _from_sums(weights @ columns, len(truth)))
    drawn = np.concatenate([*_drawn(columns, seed, resamples)], axis=1)
    names = ("mae", "rmse", "r2")
    intervals = {name: _interval(values) for name, values in zip(names, drawn, strict=True)}
    spread = (float(truth.min()), float(truth.max()), float(truth.std()))
    return ErrorFigures(len(truth), mae, rmse, None if np.isnan(r2) else r2, *spread, intervals)


def _columns(error: NDArray[np.float64], centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 4): what is summed over photos; labels are centred, so that their squares keep their digits."""
    return np.stack([np.abs(error), error**2, centred, centred**2], axis=1)


def _from_sums(sums: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], ...]:
    """Return MAE, RMSE and R2, each (R,), from sums (R, 4) over n photos; R2 is nan where all labels are equal."""
    absolute, squared, first, second = sums.T
    total = second - first**2 / n
    varied = total > 1e-12 * np.maximum(second, np.finfo(np.float64).tiny)
    r2 = 1 - np.divide(squared, total, out=np.full_like(total, np.nan), where=varied)
    return absolute / n, np.sqrt(squared / n), r2


def _drawn(columns: NDArray[np.float64], seed: int, resamples: int) -> list[NDArray[np.float64]]:
    """Return (3, R) figures of photos drawn again with replacement, part by part."""
    n, generator = len(columns), np.random.default_rng(seed)
    step = max(1, _CHUNK_CELLS // n)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    counts = (generator.multinomial(n, np.full(n, 1 / n), size=size) for size in sizes)
    return [np.stack(_from_sums(part @ columns, n)) for part in counts]


def _interval(values: NDArray[np.float64]) -> Interval | None:
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.4g} to {interval[1]:.4g}" if interval else ""
