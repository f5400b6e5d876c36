"""From logits to chosen labels: a threshold for each, of the best F1 on validation, kept in calibration.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.metrics import KnownScale, Postprocess
from visionft.runs import layout
from visionft.runs.atomic_write import write_json
from visionft.runs.run_files import read_record

UNFITTED = 0.5
"""The threshold of a label that validation says nothing about."""


@dataclass(frozen=True, eq=False)
class LabelPostprocess(Postprocess):
    """How logits are read where labels do not compete.

    Attributes:
        thresholds: (C,) float32 in (0, 1]; a label is chosen from this probability up.
    """

    thresholds: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @classmethod
    def by(cls, thresholds: NDArray[np.float32]) -> LabelPostprocess:
        """Return the rule with these thresholds (C,)."""
        return cls(1.0, KnownScale.plain(), None, thresholds)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability (n, C) of each label by itself, of logits (n, C)."""
        return (0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))).astype(np.float32)

    def chosen(self, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which labels (n, C) are chosen by their probabilities (n, C)."""
        found: NDArray[np.bool_] = probabilities >= self.thresholds
        return found


@dataclass(frozen=True)
class LabelThresholds:
    """The threshold of each label, by its name, in index order."""

    values: dict[str, float]

    @classmethod
    def fit(cls, probabilities: NDArray[np.float32], labels: NDArray[np.integer], classes: Classes) -> LabelThresholds:
        """Fit to validation photos: probabilities (n, C) and entries (n, C) of 1, 0 and -1."""
        found = best_thresholds(probabilities, labels)
        return cls(dict(zip(classes, map(float, found), strict=True)))

    @classmethod
    def plain(cls, classes: Classes) -> LabelThresholds:
        """Return those of a model that nothing was fitted for."""
        return cls(dict.fromkeys(classes, UNFITTED))

    @classmethod
    def read(cls, folder: Path, classes: Classes) -> LabelThresholds:
        """Read what `write` wrote; RunError where the file is missing or damaged."""

        def build(record: Mapping[str, Any]) -> LabelThresholds:
            found = {name: float(record["thresholds"][name]) for name in classes}
            if not all(0 < value <= 1 for value in found.values()):
                raise ValueError("a threshold is no probability")
            return cls(found)

        return read_record(folder / layout.CALIBRATION, build)

    def write(self, folder: Path) -> None:
        """Write calibration.json."""
        write_json(folder / layout.CALIBRATION, {"thresholds": self.values})

    def answering(self, accepted: float | None = None) -> LabelPostprocess:  # noqa: ARG002  # nothing is unknown
        """Return the rule from logits to answers."""
        return LabelPostprocess.by(np.array(list(self.values.values()), np.float32))


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
    upper, lower = ordered[end], ordered[end + 1] if end + 1 < len(ordered) else np.float32(0)
    middle = np.float32((float(upper) + float(lower)) / 2)
    return middle if middle > lower else np.float32(max(upper, np.finfo(np.float32).tiny))
