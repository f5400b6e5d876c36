"""From logits to chosen labels: a threshold for each, fitted to validation, kept in calibration.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.bundle.product_rows import Reading
from visionft.classes import Classes
from visionft.metrics import KnownScale, Postprocess
from visionft.runs import layout
from visionft.runs.atomic_write import write_json
from visionft.runs.run_files import read_record
from visionft.tasks.multilabel.answers import UNFITTED
from visionft.tasks.multilabel.label_precision import NEVER, between, precise_thresholds


@dataclass(frozen=True, eq=False)
class LabelPostprocess(Postprocess):
    """How logits are read where labels do not compete.

    Attributes:
        thresholds: (C,) float32 above 0; a label is chosen from this probability up.
        at_least_one: whether the most probable label is chosen where no label reaches its threshold.
    """

    thresholds: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    at_least_one: bool = False

    @classmethod
    def by(cls, thresholds: NDArray[np.float32], *, at_least_one: bool = False) -> LabelPostprocess:
        """Return the rule with these thresholds (C,)."""
        return cls(1.0, KnownScale.plain(), None, thresholds, at_least_one)

    @property
    def reading(self) -> Reading:
        """What one answer of several photos hangs on."""
        return Reading(self.temperature, None, self.thresholds, self.at_least_one)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability (n, C) of each label by itself, of logits (n, C)."""
        return (0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))).astype(np.float32)

    def chosen(self, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which labels (n, C) are chosen by their probabilities (n, C); of equal ones the first is the most."""
        found: NDArray[np.bool_] = probabilities >= self.thresholds
        if self.at_least_one:
            best = np.arange(probabilities.shape[-1]) == probabilities.argmax(axis=-1, keepdims=True)
            found = found | (best & ~found.any(axis=-1, keepdims=True))
        return found


@dataclass(frozen=True)
class LabelThresholds:
    """How labels are chosen.

    Attributes:
        values: threshold of each label, by its name, in index order.
        at_least_one: whether the most probable label is chosen where none reaches its threshold.
        target: precision that each threshold holds with 95 % confidence; None: they are of the best F1.
        bounds: lower bound of each label's precision where `target` is held, by its name.
    """

    values: dict[str, float]
    at_least_one: bool = False
    target: float | None = None
    bounds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        probabilities: NDArray[np.float32],
        labels: NDArray[np.integer],
        classes: Classes,
        target: float | None = None,
        *,
        at_least_one: bool = False,
    ) -> LabelThresholds:
        """Fit to validation photos: probabilities (n, C) and entries (n, C) of 1, 0 and -1; `target` as attribute."""
        if target is None:
            found, bounds = best_thresholds(probabilities, labels), {}
        else:
            held = precise_thresholds(probabilities, labels, target)
            found = held.thresholds
            bounds = {
                name: float(bound) for name, bound in zip(classes, held.bounds, strict=True) if not np.isnan(bound)
            }
        return cls(dict(zip(classes, map(float, found), strict=True)), at_least_one, target, bounds)

    @classmethod
    def plain(cls, classes: Classes) -> LabelThresholds:
        """Return those of a model that nothing was fitted for."""
        return cls(dict.fromkeys(classes, UNFITTED))

    @classmethod
    def read(cls, folder: Path, classes: Classes) -> LabelThresholds:
        """Read what `write` wrote; RunError where the file is missing or damaged."""

        def build(record: Mapping[str, Any]) -> LabelThresholds:
            found = {name: float(record["thresholds"][name]) for name in classes}
            if not all(0 < value <= NEVER for value in found.values()):
                raise ValueError("a threshold is no probability")
            held = record.get("precision") or {}
            bounds = {name: float(bound) for name, bound in held.get("lower_bounds", {}).items()}
            return cls(found, bool(record.get("at_least_one", False)), held.get("target"), bounds)

        return read_record(folder / layout.CALIBRATION, build)

    def write(self, folder: Path) -> None:
        """Write calibration.json."""
        one = {"at_least_one": True} if self.at_least_one else {}
        held = {} if self.target is None else {"precision": {"target": self.target, "lower_bounds": self.bounds}}
        write_json(folder / layout.CALIBRATION, {"thresholds": self.values, **one, **held})

    def answering(self, accepted: float | None = None) -> LabelPostprocess:  # noqa: ARG002  # nothing is unknown
        """Return the rule from logits to answers."""
        values = np.array(list(self.values.values()), np.float32)
        return LabelPostprocess.by(values, at_least_one=self.at_least_one)


def best_thresholds(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return (C,) thresholds of the best F1 of each label, half-way between the two scores that they part.

    Args:
        probabilities: (n, C) in [0, 1].
        labels: (n, C) entries 1, 0, or -1 where nobody knows.

    Returns:
        Of equal F1, the threshold that chooses fewest photos; `UNFITTED` of a label that no photo is known to have.
    """
    found = np.full(labels.shape[1], UNFITTED, np.float32)
    for label in np.flatnonzero((labels == 1).any(axis=0)):
        known = labels[:, label] >= 0
        found[label] = _best(probabilities[known, label], labels[known, label] == 1)
    return found


def _best(scores: NDArray[np.float32], has: NDArray[np.bool_]) -> np.float32:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.r_[np.diff(ordered) != 0, True])
    f1 = 2 * np.cumsum(has[order])[ends] / (ends + 1 + has.sum())
    end = ends[int(f1.argmax())]
    return between(ordered, end)
