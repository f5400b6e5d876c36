"""The answers to photos one by one, in the orders that people look at them in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from visionft.metrics import BINS
from visionft.photos import printable

WORST, LEAST_SURE = 18, 18
PAIRS = 60
"""Confused pairs whose photos are shown, the most frequent first."""
PHOTOS = 6
"""Photos of a pair that are shown, the surest mistakes first."""
SMALL = 20
"""Classes up to which every cell of the confusion matrix opens photos, the right answers too."""
Photo = dict[str, Any]
"""path (as the manifest has it), truth, label, probability, truth_probability, in plain values."""


class Answers:
    """Answers to n photos.

    Args:
        table: `Evaluation.predictions`.
        classes: the (C,) names in index order.
    """

    def __init__(self, table: pa.Table, classes: Sequence[str]) -> None:
        self.classes = classes
        self.paths: list[str] = table["path"].to_pylist()
        self.truth: list[str] = table["truth"].to_pylist()
        self.label: list[str] = table["label"].to_pylist()
        self.probability = np.asarray(table["probability"].to_numpy(), np.float64)
        self.truth_probability = np.asarray(table["truth_probability"].to_numpy(), np.float64)
        self.correct = np.asarray(table["correct"].to_numpy(), bool)

    def worst(self) -> list[Photo]:
        """Return wrong answers by their loss, the highest first: their truth was thought the least likely."""
        order = np.argsort(self.truth_probability, kind="stable")
        return self._shown([i for i in order if not self.correct[i]][:WORST])

    def least_sure(self) -> list[Photo]:
        """Return the answers of the lowest probability, right or wrong."""
        return self._shown(np.argsort(self.probability, kind="stable")[:LEAST_SURE])

    def pairs(self) -> list[dict[str, Any]]:
        """Return confused pairs of classes with some of their photos; all pairs of few classes, the largest of many."""
        place = {name: index for index, name in enumerate(self.classes)}
        found: dict[tuple[int, int], list[int]] = {}
        for i in np.argsort(-self.probability, kind="stable"):
            if not self.correct[i]:
                found.setdefault((place[self.truth[i]], place[self.label[i]]), []).append(int(i))
        ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
        most = len(ordered) if len(self.classes) <= SMALL else PAIRS
        return [self._cell(true, answered, own) for (true, answered), own in ordered[:most]]

    def right(self) -> list[dict[str, Any]]:
        """Return, of few classes, those photos of each that were answered rightly and least surely."""
        if len(self.classes) > SMALL:
            return []
        found = []
        for index, name in enumerate(self.classes):
            own = [i for i in np.argsort(self.probability, kind="stable") if self.correct[i] and self.truth[i] == name]
            found += [self._cell(index, index, own)] if own else []
        return found

    def reliability(self) -> list[dict[str, Any]]:
        """Return, of each bin of probability that holds photos, how many, their mean probability and their accuracy."""
        place = np.clip(np.ceil(self.probability * BINS).astype(np.int64) - 1, 0, BINS - 1)
        return [
            {
                "above": index / BINS,
                "to": (index + 1) / BINS,
                "n": int(own.sum()),
                "probability": float(self.probability[own].mean()),
                "accuracy": float(self.correct[own].mean()),
            }
            for index in range(BINS)
            if (own := place == index).any()
        ]

    def _cell(self, true: int, answered: int, own: Sequence[int]) -> dict[str, Any]:
        return {
            "true": true,
            "answered": answered,
            "true_name": printable(self.classes[true]),
            "answered_name": printable(self.classes[answered]),
            "count": len(own),
            "photos": self._shown(own[:PHOTOS]),
        }

    def _shown(self, chosen: Iterable[int]) -> list[Photo]:
        return [
            {
                "path": printable(self.paths[i]),
                "truth": printable(self.truth[i]),
                "label": printable(self.label[i]),
                "probability": round(float(self.probability[i]), 6),
                "truth_probability": round(float(self.truth_probability[i]), 6),
            }
            for i in chosen
        ]
