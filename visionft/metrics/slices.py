"""Accuracy by the values of a column, such as the supplier: which of them is worse than its classes lead to expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from visionft.metrics.confidence_intervals import wilson

LEAST = 5
"""Photos that a slice, and what it is compared with, must have: of fewer nothing can be told."""
LEVEL = 0.05
"""Of all looks together: where no slice is worse, none is named in 95 of 100 evaluations."""


@dataclass(frozen=True)
class Slice:
    """The photos of one value of a column, all of them or those of one class.

    Attributes:
        column: its name.
        value: of the column; empty where a photo has none.
        within: the class whose photos alone are looked at; None: those of all classes.
        n: photos.
        accuracy: share of them answered rightly, in [0, 1].
        interval: 95 % interval of the accuracy (Wilson), of this slice by itself.
        expected: the accuracy that photos of the same classes have in the whole set, in [0, 1].
        p: chance of so few right answers, or fewer, if the value made no difference.
        adjusted: the same after Holm's correction for all slices that were looked at.
    """

    column: str
    value: str
    within: str | None
    n: int
    accuracy: float
    interval: tuple[float, float]
    expected: float
    p: float
    adjusted: float = 1.0

    @property
    def named(self) -> bool:
        """Whether the slice is worse by more than chance, of however many looks."""
        return self.adjusted < LEVEL

    @property
    def name(self) -> str:
        """What it is called: `supplier = north, of hat`."""
        value = self.value or "(none)"
        return f"{self.column} = {value}" + (f", of {self.within}" if self.within is not None else "")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "interval": list(self.interval), "named": self.named}

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.name}: top-1 {self.accuracy:.1%} of {self.n:,} photos (95 % interval {low:.1%} to {high:.1%}) "
            f"where its classes have {self.expected:.1%}; p {self.adjusted:.2g} after the correction"
        )


def slices(
    columns: Mapping[str, Sequence[str]], labels: NDArray[np.integer], right: NDArray[np.bool_], classes: Sequence[str]
) -> tuple[Slice, ...]:
    """Compare the accuracy of each value's photos with that of all others of the same classes.

    A value is looked at as a whole and within each class: what is wrong with one supplier's shoes alone is lost among
    all that it supplies. Both are exact tests: if the value made no difference, the right answers among its photos of a
    class would be a draw without replacement (hypergeometric), and of several classes a sum of such draws (the exact
    form of Mantel and Haenszel's test). Holm's correction (1979) for all of these looks keeps the chance to name any
    slice that is no worse below 5 %. Slices of fewer than 5 photos, or with fewer beside them, are left out, whatever
    their answers.

    Args:
        columns: (n,) values by the column's name.
        labels: (n,) class indices in [0, C).
        right: (n,) whether each photo was answered rightly.
        classes: (C,) names.

    Returns:
        The slices, those first that chance explains least.
    """
    found = [one for name, values in columns.items() for one in _of_column(name, values, labels, right, classes)]
    adjusted = holm([one.p for one in found])
    whole = [replace(one, adjusted=value) for one, value in zip(found, adjusted, strict=True)]
    return tuple(sorted(whole, key=lambda one: (one.adjusted, one.p, one.accuracy - one.expected, one.name)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method: those below a level are right together at that level."""
    order = np.argsort(np.asarray(p, float), kind="stable")
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = highest
    return adjusted


def _of_column(
    name: str, values: Sequence[str], labels: NDArray[np.integer], right: NDArray[np.bool_], classes: Sequence[str]
) -> Iterator[Slice]:
    column = np.asarray(values, object)
    for value in sorted(set(values)):
        inside = column == value
        if not _enough(inside):
            continue
        yield _slice((name, value, None), inside, labels, right)
        present = np.unique(labels[inside])
        for label in present if len(np.unique(labels)) > 1 else ():
            own = labels == label
            if _enough(inside[own]):
                yield _slice((name, value, classes[label]), inside[own], labels[own], right[own])


def _enough(inside: NDArray[np.bool_]) -> bool:
    return min(int(inside.sum()), int((~inside).sum())) >= LEAST


def _slice(
    named: tuple[str, str, str | None], inside: NDArray[np.bool_], labels: NDArray[np.integer], right: NDArray[np.bool_]
) -> Slice:
    counts = [_counts(inside, labels == label, right) for label in np.unique(labels[inside])]
    n, hits = int(inside.sum()), int((inside & right).sum())
    expected = sum(drawn * good / total for total, good, drawn in counts) / n
    interval = wilson(hits, n)
    assert interval is not None, "a slice has photos"
    return Slice(*named, n, hits / n, interval, float(expected), at_most(hits, counts))


def _counts(inside: NDArray[np.bool_], own: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return, of one class: photos, those answered rightly, and those inside the slice."""
    return int(own.sum()), int((own & right).sum()), int((own & inside).sum())


def at_most(hits: int, counts: Sequence[tuple[int, int, int]]) -> float:
    """Return the chance that draws without replacement, one from each class, hold at most so many right answers.

    Args:
        hits: right answers in all draws together.
        counts: of each class its photos, those answered rightly, and those drawn.
    """
    chances = np.ones(1)
    for total, good, drawn in counts:
        chances = np.convolve(chances, _of_draw(total, good, drawn))
    return float(min(1.0, chances[: hits + 1].sum()))


def _of_draw(total: int, good: int, drawn: int) -> NDArray[np.float64]:
    """Return the chances (drawn + 1,) of so many right answers in a draw; scipy.stats takes ten times as long."""
    found = np.zeros(drawn + 1)
    hits = np.arange(max(0, drawn - (total - good)), min(drawn, good) + 1)
    ways = _log_choose(good, hits) + _log_choose(total - good, drawn - hits) - _log_choose(total, np.array(drawn))
    found[hits] = np.exp(ways)
    return found


def _log_choose(n: int, k: NDArray[np.integer]) -> NDArray[np.float64]:
    chosen: NDArray[np.float64] = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return chosen
