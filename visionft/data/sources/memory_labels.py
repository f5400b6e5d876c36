"""Labels as tables in memory hold them, and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from visionft.errors import DataError


def is_missing(value: Any) -> bool:
    """Tell what stands for no value: None, NaN, and what pandas has for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


class Number(str):
    """The text of a label that was a number."""

    __slots__ = ()


def label_text(value: Any, names: Sequence[str] | None, what: str, at: int) -> str | None:
    """Return a label as text; whole numbers without a point, and by the names that a dataset has for them."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if is_missing(value):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool | float) or (isinstance(value, int) and names is None):
        return Number(str(value).lower())
    if not isinstance(value, int):
        raise DataError(f"row {at} of photos has a {what} of type {type(value).__name__}; give text or a number")
    if value == -1:  # the word of `datasets` for no label
        return None
    if names is None or not 0 <= value < len(names):
        raise DataError(f"row {at} of photos has the class {value}, and names for 0 to {len(names or ()) - 1} alone")
    return names[value]
