"""The answers of an evaluation, photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.tasks.multihead.head_temperatures import HeadPostprocess


def heads_table(
    paths: Sequence[str], logits: NDArray[np.float32], labels: NDArray[np.integer], answering: HeadPostprocess
) -> pa.Table:
    """Return a row a photo.

    path; truth and label of all heads as text, of the label what the truth knows; probability and truth_probability,
    the products over these heads; correct, whether all of them are right; and for each head HEAD_truth, null where
    nobody knows it, HEAD_label, HEAD_probability, and HEAD_truth_probability, 1 where nobody knows the truth.

    Args:
        paths: (n,) of the photos.
        logits: (n, K) raw.
        labels: (n, H) places among each head's classes, or -1.
        answering: the rule from logits to answers.
    """
    heads, probabilities, known = answering.heads, answering.probabilities(logits), labels >= 0
    best, each = heads.best(logits), np.arange(len(labels))
    sure, true = np.ones(labels.shape), np.ones(labels.shape)
    columns: dict[str, Any] = {}
    for at, (name, own, part) in enumerate(zip(heads.names, heads.own, heads.parted(probabilities), strict=True)):
        sure[:, at], true[:, at] = part[each, best[:, at]], part[each, labels[:, at]]
        text = np.array([*own, None], dtype=object)  # -1 is the last one
        columns[f"{name}_truth"] = pa.array(text[labels[:, at]], pa.string())
        columns[f"{name}_label"] = pa.array(text[best[:, at]], pa.string())
        columns[f"{name}_probability"] = sure[:, at].astype(np.float32)
        columns[f"{name}_truth_probability"] = np.where(known[:, at], true[:, at], 1).astype(np.float32)
    return pa.table(
        {
            "path": pa.array([str(path) for path in paths], pa.string()),
            "truth": pa.array(heads.texts(labels), pa.string()),
            "label": pa.array(heads.texts(np.where(known, best, -1)), pa.string()),
            "probability": _product(sure, known),
            "truth_probability": _product(true, known),
            "correct": ((best == labels) | ~known).all(axis=1),
            **columns,
        }
    )


def _product(values: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.where(known, values, 1.0).prod(axis=1).astype(np.float32)
    return found
