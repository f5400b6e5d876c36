"""What a report shows of several heads beside the figures of each: all classes side by side, and the heads' means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from visionft.metrics import Metrics
from visionft.tasks.multihead.head_layout import EQUALS

MEANS = ("macro_f1", "balanced_accuracy", "log_loss", "ece")
"""Figures of which the mean over the heads is shown."""


def page_facts(heads: Mapping[str, Metrics | None]) -> dict[str, Any]:
    """Return plain values in the form that classes have them.

    The rows are those of each head's classes, by names such as `colour=red`; the counts of a class answered as another
    stand in blocks along the diagonal, as no head answers with the classes of another one.
    """
    measured = {name: found for name, found in heads.items() if found is not None}
    rows = [
        {**asdict(replace(row, name=f"{name}{EQUALS}{row.name}")), "interval": row.interval and list(row.interval)}
        for name, found in measured.items()
        for row in found.per_class
    ]
    confusion, start = np.zeros((len(rows), len(rows)), np.int64), 0
    for found in measured.values():
        stop = start + len(found.classes)
        confusion[start:stop, start:stop], start = found.confusion, stop
    return {
        **{key: float(np.mean([getattr(found, key) for found in measured.values()])) for key in MEANS},
        "words": "mean top-1 of the heads",
        "majority": {
            "name": "with each head's most frequent class",
            "top1": float(
                np.mean([max(row.support for row in found.per_class) / found.n for found in measured.values()])
            ),
            "of_training": False,
        },
        "per_class": rows,
        "confusion": confusion.tolist(),
    }
