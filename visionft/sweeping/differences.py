"""Which settings are worse than the best ones by more than chance, by the photos that both were asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import bootstrap_mean
from visionft.runs import layout

PREDICTIONS = f"{layout.EVALUATION}/validation/predictions.parquet"


@dataclass(frozen=True)
class Difference:
    """How far settings are behind the best ones.

    Attributes:
        mean: the best ones' share of right answers minus theirs, in [-1, 1].
        low: the lower end of its 95 % interval.
        high: the upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def chance(self) -> bool:
        """Whether it may be chance: the interval holds 0."""
        return self.low <= 0.0 <= self.high

    @classmethod
    def of(cls, best: NDArray[np.floating], other: NDArray[np.floating]) -> Difference:
        """Return the difference of two shares of right answers by photo, (n,) each in [0, 1], of the same photos."""
        behind = best - other
        return cls(float(behind.mean()), *bootstrap_mean(behind))


def right_by_photo(runs: Sequence[Path]) -> Mapping[str, float] | None:
    """Return by path the share of runs that answer a validation photo rightly; None where that was not recorded.

    Args:
        runs: of the same settings, one a seed.
    """
    found: dict[str, list[bool]] = {}
    for run in runs:
        file = run / PREDICTIONS
        if not file.is_file():
            return None
        table = pq.read_table(file)
        if "correct" not in table.column_names:
            return None
        for path, right in zip(table["path"].to_pylist(), table["correct"].to_pylist(), strict=True):
            found.setdefault(path, []).append(bool(right))
    return {path: float(np.mean(right)) for path, right in found.items() if len(right) == len(runs)} or None


def behind(best: Mapping[str, float] | None, other: Mapping[str, float] | None) -> Difference | None:
    """Return how far others are behind the best ones on the photos of both; None where there are none."""
    shared = sorted(best.keys() & other.keys()) if best and other else []
    if not best or not other or not shared:
        return None
    ours, theirs = (np.array([one[path] for path in shared]) for one in (best, other))
    return Difference.of(ours, theirs)
