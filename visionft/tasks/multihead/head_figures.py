"""How well heads answer: the figures of each, the mean of their top-1, and how often all are right at once.

A head is measured on the photos whose label is known. The mean has an interval from photos drawn again, each with all
of its labels, as the heads of one photo are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics import Metrics, evaluate_logits, wilson
from visionft.metrics.confidence_intervals import RESAMPLES
from visionft.photos import printable
from visionft.tasks.multihead.head_layout import EQUALS
from visionft.tasks.multihead.head_temperatures import HeadPostprocess
from visionft.tasks.multihead.page_facts import page_facts
from visionft.wording.lists import count

Interval = tuple[float, float]
_CHUNK_CELLS = 4_000_000  # drawn counts held in memory at once
LEAST = 3


@dataclass(frozen=True, eq=False)
class HeadsFigures:
    """The figures of a set of photos.

    Attributes:
        n: photos.
        top1: mean over the heads of the share of known labels that are answered rightly, in [0, 1].
        all_right: share of the photos, all of whose known labels are answered rightly.
        heads: figures of each head over the photos that know its label, by its name; None where no photo does.
        intervals: 95 % intervals of top1 (bootstrap over photos) and all_right (Wilson).
    """

    n: int
    top1: float
    all_right: float
    heads: Mapping[str, Metrics | None]
    intervals: dict[str, Interval | None]

    @property
    def headline(self) -> str:
        """The mean over the heads with its interval."""
        return f"mean top-1 of {count(len(self.heads), 'head')} is {self.top1:.1%} ({_ends(self.intervals['top1'])})"

    def summary(self) -> dict[str, Any]:
        """Return the figures that the command line's JSON line holds."""
        tops = {name: None if found is None else found.top1 for name, found in self.heads.items()}
        return {"top1": self.top1, "all_right": self.all_right, "heads": tops, "n": self.n}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; `heads` by name, None where no photo knows the label."""
        ends = {**dict.fromkeys(("top5", "macro_f1", "ece")), **self.intervals}
        return {
            **self.summary(),
            **page_facts(self.heads),
            "heads": {name: None if found is None else found.to_json() for name, found in self.heads.items()},
            "intervals": {name: list(pair) if pair else None for name, pair in ends.items()},
            "further": [list(row) for row in self._rows()[1:]],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a head, of which some photo knows the label."""
        return [
            {
                "head": name, "classes": len(found.classes), "photos": found.n, "top1": found.top1,
                "low": (found.intervals["top1"] or (None, None))[0],
                "high": (found.intervals["top1"] or (None, None))[1],
                "macro_f1": found.macro_f1, "balanced_accuracy": found.balanced_accuracy, "log_loss": found.log_loss,
                "ece": found.ece, "temperature": found.temperature,
            }
            for name, found in self.heads.items() if found is not None
        ]  # fmt: skip

    def class_rows(self) -> list[dict[str, Any]]:
        """Return a row a class of every head, of which some photo knows the label."""
        return [
            {
                "head": name, "class": row.name, "support": row.support, "precision": row.precision,
                "recall": row.recall, "f1": row.f1,
            }
            for name, found in self.heads.items() if found is not None
            for row in found.per_class
        ]  # fmt: skip

    def __str__(self) -> str:
        rows = self._rows()
        wide = [max(len(row[at]) for row in rows) for at in range(2)]
        lines = [f"  {name:{wide[0]}}  {value:>{wide[1]}}  {told}".rstrip() for name, value, told in rows]
        return "\n".join([self._subject(), *lines, *self._weakest()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{value}</td><td>{escape(told)}</td></tr>"
            for name, value, told in self._rows()
        )
        weakest = "".join(f"<p>{escape(line.strip())}</p>" for line in self._weakest())
        return f"<p>{escape(self._subject())}</p><table>{rows}</table>{weakest}"

    def _subject(self) -> str:
        return f"{count(self.n, 'photo')}, {count(len(self.heads), 'head')}"

    def _rows(self) -> list[tuple[str, str, str]]:
        """Return names, values and what is to be said of them."""
        return [
            ("mean top-1", f"{self.top1:.2%}", _ends(self.intervals["top1"])),
            ("all right at once", f"{self.all_right:.2%}", _ends(self.intervals["all_right"])),
            *(self._row(printable(name), found) for name, found in self.heads.items()),
        ]

    def _row(self, name: str, found: Metrics | None) -> tuple[str, str, str]:
        if found is None:
            return name, "none", "no photo of which it is known"
        few = f"; {count(found.n, 'photo')} of which it is known" if found.n < self.n else ""
        told = f"{_ends(found.intervals['top1'])}; macro F1 {found.macro_f1:.1%}, calibration error {found.ece:.1%}"
        return name, f"{found.top1:.2%}", f"{told}, {len(found.classes)} classes{few}"

    def _weakest(self) -> list[str]:
        """Name the classes that are found least often, over all heads."""
        rows = [row for row in self.class_rows() if row["recall"] is not None and row["recall"] < 1]
        rows = sorted(rows, key=lambda row: (row["recall"], -row["support"]))[:LEAST]
        told = ", ".join(
            f"{printable(row['head'])}{EQUALS}{printable(row['class'])} ({row['recall']:.0%} of {row['support']})"
            for row in rows
        )
        return [f"  weakest classes: {told}"] if rows else []


def heads_figures(
    logits: NDArray[np.float32], labels: NDArray[np.integer], answering: HeadPostprocess, *, seed: int = 0
) -> HeadsFigures:
    """Return all figures of a set of photos.

    Args:
        logits: (n, K) raw, n at least 1.
        labels: (n, H) places among each head's classes, or -1; of each photo one is known at least.
        answering: the rule from logits to answers.
        seed: of the bootstrap; equal seeds give equal intervals.

    Raises:
        ValueError: there is no photo, or a logit is not finite.
    """
    if not len(labels) or not np.isfinite(logits).all():
        raise ValueError("there is no photo to evaluate, or some logits are not finite; the model has diverged")
    heads = answering.heads
    found = {
        name: _of_head(part, own, names, float(temperature), seed)
        for name, part, own, names, temperature in zip(
            heads.names, heads.parted(logits), labels.T, heads.own, answering.temperatures, strict=True
        )
    }
    right, known = heads.best(logits) == labels, labels >= 0
    all_right = int((right | ~known).all(axis=1).sum())
    tops = [each.top1 for each in found.values() if each is not None]
    intervals = {"top1": bootstrap_mean_top1(right, known, seed=seed), "all_right": wilson(all_right, len(labels))}
    return HeadsFigures(len(labels), float(np.mean(tops)), all_right / len(labels), found, intervals)


def bootstrap_mean_top1(
    right: NDArray[np.bool_], known: NDArray[np.bool_], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval | None:
    """Return the 95 % percentile interval of the mean over heads of their top-1, over photos drawn with replacement.

    Photos that are right, wrong and unknown on the same heads are alike, so that a draw of photos is a multinomial draw
    of the counts of such patterns. Within a draw the mean goes over the heads that it knows.

    Args:
        right: (n, H) whether the answer is the label.
        known: (n, H) whether the label is known.
        seed: of the draws.
        resamples: number of draws.
    """
    patterns, counts = np.unique(np.where(known, right.astype(np.int8), -1), axis=0, return_counts=True)
    hits, there = (patterns == 1).astype(np.float64), (patterns >= 0).astype(np.float64)
    generator, means = np.random.default_rng(seed), list[NDArray[np.float64]]()
    step = max(1, _CHUNK_CELLS // len(counts))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        draws = generator.multinomial(counts.sum(), counts / counts.sum(), size=size).astype(np.float64)
        told = draws @ there
        top1 = np.divide(draws @ hits, told, out=np.full(told.shape, np.nan), where=told > 0)
        means.append(np.nanmean(top1[~np.isnan(top1).all(axis=1)], axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def _of_head(
    logits: NDArray[np.floating], labels: NDArray[np.integer], names: tuple[str, ...], temperature: float, seed: int
) -> Metrics | None:
    known = labels >= 0
    if not known.any():
        return None
    return evaluate_logits(logits[known], labels[known], names, temperature=temperature, seed=seed)


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""
