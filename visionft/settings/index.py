"""The settings of an index: those of the data that decide which photos it holds, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visionft.errors import UsageError
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some

READING = ("inside", "layout", "depth", "group_by", "path_column", "label_column", "max_pixels")
"""Names in the group `data`."""


def require_reading(flags: Mapping[str, Any]) -> None:
    """Raise UsageError for a setting that has no effect on an index, given as `data={...}` or by its dotted name."""
    names = [f"data.{name}" for name in READING]
    for name, value in flags.items():
        inner = [f"data.{key}" for key in value] if name == "data" and isinstance(value, Mapping) else [name]
        for each in inner:
            if each not in names:
                raise UsageError(
                    f"an index has no setting {each!r}{did_you_mean(each, names)}; it has {some(names, 8)}"
                )
