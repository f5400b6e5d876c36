"""Figures as values: printed, shown in a notebook, written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
_WORST_SHOWN = 5
_HEADINGS = ("class", "precision", "recall", "F1", "photos")


@dataclass(frozen=True)
class ClassRow:
    """The figures of one class; None where the set has no photo of it.

    Attributes:
        name: of the class.
        precision: share of the answers "this class" that are right, in [0, 1]; 0 where it is never answered.
        recall: share of the class's photos that are answered rightly, in [0, 1].
        f1: harmonic mean of the two.
        support: photos of the class.
        interval: 95 % interval of the recall (Wilson).
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    interval: Interval | None


@dataclass(frozen=True)
class Confused:
    """How many photos of class `true` were answered as class `answered`."""

    true: str
    answered: str
    count: int


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities mean what they say.

    Attributes:
        log_loss: mean negative logarithm of the true class's probability, in nats.
        ece: expected calibration error over 15 bins, in [0, 1].
        interval: 95 % interval of the calibration error (bootstrap over photos).
    """

    log_loss: float
    ece: float
    interval: Interval

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"log_loss": self.log_loss, "ece": self.ece, "ece_interval": list(self.interval)}


TOP = 5
"""Classes up to which top-5 is certain, and not worth a line."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """The figures of a set of photos.

    Attributes:
        n: photos.
        top1: share answered rightly, in [0, 1].
        top5: share with the true class among the five highest; 1 with five classes or fewer.
        macro_f1: mean F1 over the classes that have photos.
        balanced_accuracy: mean recall over the classes that have photos.
        log_loss: mean negative logarithm of the true class's probability, in nats.
        ece: expected calibration error over 15 bins, in [0, 1].
        intervals: 95 % intervals of top1 and top5 (Wilson), of macro_f1 and ece (bootstrap over photos).
        per_class: one row a class, in the classes' order.
        confusion: (C, C) int64 counts, true class by answered class.
        most_confused: pairs of classes, the most frequent first, at most 20.
        temperature: what the logits were divided by for every probability here.
        uncalibrated: log-loss and calibration error of the logits as they are; None where the temperature is 1.
    """

    n: int
    top1: float
    top5: float
    macro_f1: float
    balanced_accuracy: float
    log_loss: float
    ece: float
    intervals: dict[str, Interval | None]
    per_class: tuple[ClassRow, ...]
    confusion: NDArray[np.int64]
    most_confused: tuple[Confused, ...]
    temperature: float = 1.0
    uncalibrated: Reliability | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The (C,) names, in the order of the confusion matrix."""
        return tuple(row.name for row in self.per_class)

    @property
    def headline(self) -> str:
        """Top-1 with its interval: `top-1 is 96.7% (95 % interval 88.8% to 99.1%)`."""
        ends = _ends(self.intervals.get("top1"))
        return f"top-1 is {self.top1:.1%}{f' ({ends})' if ends else ''}"

    def summary(self) -> dict[str, float | int]:
        """Return the figures that the command line's JSON line holds."""
        return {
            "top1": self.top1,
            "top5": self.top5,
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            "log_loss": self.log_loss,
            "n": self.n,
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that json can write; None stands where a class has no photo."""
        return {
            **self.summary(),
            "balanced_accuracy": self.balanced_accuracy,
            "intervals": {name: list(ends) if ends else None for name, ends in self.intervals.items()},
            "per_class": [
                {**asdict(row), "interval": list(row.interval) if row.interval else None} for row in self.per_class
            ],
            "confusion": self.confusion.tolist(),
            "most_confused": [asdict(pair) for pair in self.most_confused],
            "temperature": self.temperature,
            "uncalibrated": self.uncalibrated.to_json() if self.uncalibrated else None,
        }

    def __str__(self) -> str:
        width = max(len(name) for name, _, _ in self._figures())
        lines = [
            self._subject(),
            *(f"  {name:{width}}  {value:>6}  {aside}".rstrip() for name, value, aside in self._figures()),
        ]
        worst = ", ".join(f"{row.name} ({row.recall:.0%} of {row.support})" for row in self._worst())
        lines += [f"  weakest classes: {worst}"] if worst else []
        pairs = ", ".join(
            f"{pair.true} as {pair.answered} ({pair.count})" for pair in self.most_confused[:_WORST_SHOWN]
        )
        return "\n".join([*lines, *([f"  most confused: {pairs}"] if pairs else [])])

    def _repr_html_(self) -> str:
        """Show the figures, and every class below them, in a notebook."""
        figures = "".join(
            f"<tr><th>{name}</th><td>{value}</td><td>{aside}</td></tr>" for name, value, aside in self._figures()
        )
        head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
        cells = [
            (escape(row.name), _share(row.precision), _share(row.recall), _share(row.f1), f"{row.support:,}")
            for row in self.per_class
        ]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
        classes = f"<details><summary>by class</summary><table><tr>{head}</tr>{body}</table></details>"
        return f"<p>{self._subject()}</p><table>{figures}</table>{classes}"

    def _subject(self) -> str:
        absent = sum(row.support == 0 for row in self.per_class)
        without = f", {absent} of them without photos here" if absent else ""
        return f"{self.n:,} photos, {len(self.per_class)} classes{without}"

    def _figures(self) -> list[tuple[str, str, str]]:
        before = self.uncalibrated
        loss = f", {before.log_loss:.3f} before the temperature {self.temperature:.2f}" if before else ""
        error = f"; {_share(before.ece)} before, {_ends(before.interval)}" if before else ""
        five = ("top-5 accuracy", _share(self.top5), _ends(self.intervals.get("top5")))
        return [
            ("top-1 accuracy", _share(self.top1), _ends(self.intervals.get("top1"))),
            *([five] if len(self.per_class) > TOP else []),
            ("macro F1", _share(self.macro_f1), _ends(self.intervals.get("macro_f1"))),
            ("balanced accuracy", _share(self.balanced_accuracy), ""),
            ("log-loss", f"{self.log_loss:.3f}", f"nats{loss}"),
            ("calibration error", _share(self.ece), f"{_ends(self.intervals.get('ece'))}{error}"),
        ]

    def _worst(self) -> list[ClassRow]:
        imperfect = [row for row in self.per_class if row.recall is not None and row.recall < 1]
        return sorted(imperfect, key=lambda row: row.recall or 0.0)[:_WORST_SHOWN]


def _share(value: float | None) -> str:
    return "no photos" if value is None else f"{value:.1%}"


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""
