"""How well labels are told: mAP, micro and macro F1, each label's own figures; intervals from photos drawn again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import RESAMPLES
from visionft.photos import printable
from visionft.tasks.multilabel.average_precision import average_precision, average_precision_drawn, measurable
from visionft.wording.lists import count

Interval = tuple[float, float]
NAMES = ("map", "micro_f1", "macro_f1")
FEWEST = 200
"""Draws of photos where labels and photos are many; the ends of an interval then move by a tenth of its width."""
_CELLS = 400_000_000  # photos * labels * draws, about ten seconds of sorting and adding
_CHUNK_CELLS = 4_000_000  # drawn counts held in memory at once
SHOWN = 3


@dataclass(frozen=True)
class LabelRow:
    """The figures of one label.

    Attributes:
        name: of the label.
        support: photos known to have it.
        known: photos of which it is known.
        ap: average precision, in [0, 1]; None where no photo is known to have it, or none to lack it.
        threshold: probability from which it is chosen.
        f1: of the photos chosen so; None where no photo is known to have it.
        precision: share of the photos chosen that have it; None where none is chosen.
        recall: share of the photos having it that are chosen; None where there is none.
    """

    name: str
    support: int
    known: int
    ap: float | None
    threshold: float
    f1: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class LabelFigures:
    """The figures of a set of photos.

    Attributes:
        n: photos.
        map: mean average precision over the labels that some photos are known to have and others to lack, in [0, 1];
            None where there is no such label.
        micro_f1: F1 of all known entries together; None where no photo is known to have a label.
        macro_f1: mean F1 over the labels of the mean average precision; None where there is none.
        unknown: share of entries that nobody knows.
        labels: the figures of each label, in index order.
        intervals: 95 % intervals of map, micro_f1 and macro_f1 (bootstrap over photos).
    """

    n: int
    map: float | None
    micro_f1: float | None
    macro_f1: float | None
    unknown: float
    labels: tuple[LabelRow, ...]
    intervals: dict[str, Interval | None]

    @property
    def headline(self) -> str:
        """The mean average precision with its interval."""
        ends = _ends(self.intervals["map"])
        return f"mAP is {_percent(self.map)}{f' ({ends})' if ends else ''}"

    def summary(self) -> dict[str, Any]:
        """Return the figures that the command line's JSON line holds."""
        return {**{name: getattr(self, name) for name in NAMES}, "n": self.n}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        ends = {name: list(pair) if pair else None for name, pair in self.intervals.items()}
        rows = [asdict(row) for row in self.labels]
        return {**self.summary(), "unknown": self.unknown, "labels": rows, "intervals": ends}

    def __str__(self) -> str:
        lines = [f"  {name:8}  {value:>7}  {ends}".rstrip() for name, value, ends in self._rows()]
        return "\n".join([self._subject(), *lines, *self._weakest()])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{value}</td><td>{ends}</td></tr>" for name, value, ends in self._rows())
        weakest = "".join(f"<p>{escape(line.strip())}</p>" for line in self._weakest())
        return f"<p>{escape(self._subject())}</p><table>{rows}</table>{weakest}"

    def _subject(self) -> str:
        unknown = f", {self.unknown:.1%} of the entries unknown" if self.unknown else ""
        return f"{count(self.n, 'photo')}, {count(len(self.labels), 'label')}{unknown}"

    def _rows(self) -> list[tuple[str, str, str]]:
        words = ("mAP", "micro F1", "macro F1")
        return [
            (word, _percent(getattr(self, name)), _ends(self.intervals[name]))
            for word, name in zip(words, NAMES, strict=True)
        ]

    def _weakest(self) -> list[str]:
        """Name the labels of the least average precision, where there are more than a few."""
        rows = sorted((row for row in self.labels if row.ap is not None), key=lambda row: (row.ap, row.name))
        if len(rows) <= SHOWN:
            return []
        told = ", ".join(f"{printable(row.name)} {_percent(row.ap)} ({row.support:,} photos)" for row in rows[:SHOWN])
        return [f"  least average precision: {told}"]


def label_figures(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.integer],
    thresholds: NDArray[np.float32],
    names: tuple[str, ...],
    *,
    chosen: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> LabelFigures:
    """Return all figures of a set of photos.

    Args:
        probabilities: (n, C) in [0, 1], n at least 1.
        labels: (n, C) entries 1, 0, or -1 where nobody knows.
        thresholds: (C,) probabilities from which a label is chosen.
        names: (C,) of the labels.
        chosen: (n, C) which labels are chosen, where that is not by the thresholds alone.
        seed: of the bootstrap; equal seeds give equal intervals.

    Raises:
        ValueError: the shapes do not fit, there is no photo, or a probability is not finite.
    """
    if probabilities.shape != labels.shape or labels.ndim != 2 or not len(labels):
        raise ValueError(f"probabilities {probabilities.shape} and labels {labels.shape}; give both as (n, C)")
    if not np.isfinite(probabilities).all():
        raise ValueError("some probabilities are not finite; the model has diverged")
    chosen = probabilities >= thresholds if chosen is None else chosen
    seen = measurable(labels)
    one = np.ones((1, len(labels)))
    macro, micro = (float(found[0]) for found in f1_drawn(chosen, labels, seen, one))
    ap = average_precision(probabilities, labels)
    values = (float(ap[seen].mean()) if seen.any() else None, or_none(micro), or_none(macro))
    drawn = _drawn(probabilities, chosen, labels, seen, seed)
    intervals = {name: interval_of(column) for name, column in zip(NAMES, drawn, strict=True)}
    rows = tuple(
        _row(name, chosen[:, i], labels[:, i], or_none(float(ap[i])), float(thresholds[i]))
        for i, name in enumerate(names)
    )
    return LabelFigures(len(labels), *values, float((labels < 0).mean()), rows, intervals)


def draws(photos: int, labels: int) -> int:
    """Return how often photos are drawn again: `RESAMPLES`, and less of many photos with many labels."""
    return int(np.clip(_CELLS // max(1, photos * labels), FEWEST, RESAMPLES))


def _row(
    name: str, chosen: NDArray[np.bool_], labels: NDArray[np.integer], ap: float | None, threshold: float
) -> LabelRow:
    having, answered = int((labels == 1).sum()), int((chosen & (labels >= 0)).sum())
    hits = int((chosen & (labels == 1)).sum())
    return LabelRow(
        name,
        having,
        int((labels >= 0).sum()),
        ap,
        threshold,
        2 * hits / (having + answered) if having else None,
        hits / answered if answered else None,
        hits / having if having else None,
    )


def f1_drawn(
    chosen: NDArray[np.bool_], labels: NDArray[np.integer], seen: NDArray[np.bool_], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return macro and micro F1, each (R,), of R weighings (R, n) of the photos; nan where no photo has a label."""
    has, answered = labels == 1, chosen & (labels >= 0)
    hits, having, told = (weights @ part.astype(np.float64) for part in (chosen & has, has, answered))
    each = np.divide(2 * hits, having + told, out=np.zeros(hits.shape), where=having > 0)
    macro = mean_there(np.where(having > 0, each, np.nan)[:, seen])
    whole = having.sum(1)
    micro = np.divide(2 * hits.sum(1), whole + told.sum(1), out=np.full(len(whole), np.nan), where=whole > 0)
    return macro, micro


def _drawn(
    scores: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    labels: NDArray[np.integer],
    seen: NDArray[np.bool_],
    seed: int,
) -> list[NDArray[np.float64]]:
    """Return mAP, micro and macro F1, each (R,), of photos drawn again with replacement, part by part."""
    n, generator = len(labels), np.random.default_rng(seed)
    total, step = draws(*labels.shape), max(1, _CHUNK_CELLS // n)
    found = list[tuple[NDArray[np.float64], ...]]()
    for start in range(0, total, step):
        counts = generator.multinomial(n, np.full(n, 1 / n), size=min(step, total - start)).astype(np.float64)
        macro, micro = f1_drawn(chosen, labels, seen, counts)
        found.append((mean_there(average_precision_drawn(scores, labels, counts)), micro, macro))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def mean_there(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean (R,) of values (R, K) that are no nan; nan where all are."""
    there = ~np.isnan(values)
    number = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, number, out=np.full(len(values), np.nan), where=number > 0), np.float64)


def or_none(value: float) -> float | None:
    """Return a figure; None for nan."""
    return None if np.isnan(value) else value


def interval_of(values: NDArray[np.float64]) -> Interval | None:
    """Return the 95 % interval of draws (R,), those that are nan left out; None without any."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""
