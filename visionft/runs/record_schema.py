"""What the records of a run must hold, so that a damaged one is told where it is read and not where it is used.

Each takes a record as JSON has it, and raises KeyError, TypeError or ValueError where something is lacking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visionft.classes import Classes

SUMMED = ("seconds", "images_per_second", "peak_memory_mb")
"""Figures of result.json in the summary of a run."""


def classes(record: Mapping[str, Any]) -> Classes:
    """Return the classes of classes.json."""
    names = tuple(record["names"])
    if not all(isinstance(name, str) for name in names):
        raise TypeError("a class has no name")
    return Classes(names)


def result(record: dict[str, Any], score: str = "top1") -> dict[str, Any]:
    """Return the figures, those that are used whole among them at least."""
    numbers = [record["val"][score], *(record[name] for name in SUMMED)]
    if not all(isinstance(number, int | float | None) for number in numbers) or numbers[0] is None:
        raise TypeError("a figure is no number")
    if "blend" in record:
        float(record["blend"]["coefficient"])
    return record


def earlier_run(record: Any) -> dict[str, Any] | None:
    """Return the description of an earlier run, with what is asked of it, and so on back."""
    if record is None:
        return None
    words = [record[key] for key in ("path", "classes_hash", "data_fingerprint", "weights_sha256")]
    if not all(isinstance(word, str) for word in words):
        raise TypeError("an earlier run is described by words")
    earlier_run(record.get("origin"))
    return dict(record)
