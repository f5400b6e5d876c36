"""The answers of an evaluation that are furthest from the truth."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from visionft.errors import UsageError
from visionft.wording.shown_table import Table


def worst(predictions: pa.Table, most: int) -> Table:
    """Return the wrong answers, the most certain first; of numbers those that are furthest off.

    Args:
        predictions: a row a photo, as `Evaluation.predictions` has them.
        most: rows at most.

    Raises:
        UsageError: `most` is less than 1.
    """
    if most < 1:
        raise UsageError(f"most is {most}: give the number of answers, from 1 up")
    if "correct" in predictions.column_names:
        predictions = predictions.filter(pc.invert(predictions["correct"])).drop_columns(["correct"])
        surest = predictions["probability" if "probability" in predictions.column_names else "score"]
    else:
        surest = pc.abs(predictions["error"])
    return Table.of(predictions.take(pc.sort_indices(surest, sort_keys=[("", "descending")])[:most]))
