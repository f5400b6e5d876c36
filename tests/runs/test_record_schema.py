"""What the records of a run must hold."""

from __future__ import annotations

from typing import Any

import pytest

from visionft.classes import Classes
from visionft.runs import record_schema

RESULT = {"val": {"top1": 0.9}, "seconds": 3.0, "images_per_second": None, "peak_memory_mb": 100}
ORIGIN = {"path": "a", "classes_hash": "b", "data_fingerprint": "c", "weights_sha256": "d"}


def test_sound_records_are_read() -> None:
    assert record_schema.classes({"names": ["a", "b"]}) == Classes(("a", "b"))
    assert record_schema.result(RESULT) is RESULT
    assert record_schema.result({**RESULT, "val": {"mae": 1}}, "mae")["val"] == {"mae": 1}
    assert record_schema.earlier_run(None) is None
    assert record_schema.earlier_run({**ORIGIN, "origin": {**ORIGIN, "origin": None}}) is not None


@pytest.mark.parametrize(
    ("read", "record"),
    [
        (record_schema.classes, {}),
        (record_schema.classes, {"names": [1]}),
        (record_schema.classes, {"names": ["b", "a"]}),
        (record_schema.result, {**RESULT, "val": {}}),
        (record_schema.result, {**RESULT, "val": {"top1": None}}),
        (record_schema.result, {**RESULT, "val": {"top1": "0.9"}}),
        (record_schema.result, {name: value for name, value in RESULT.items() if name != "seconds"}),
        (record_schema.result, {**RESULT, "blend": {}}),
        (record_schema.result, {**RESULT, "blend": {"coefficient": "x"}}),
        (record_schema.earlier_run, {**ORIGIN, "path": 3}),
        (record_schema.earlier_run, {**ORIGIN, "origin": {"path": "a"}}),
        (record_schema.earlier_run, "a run"),
    ],
)
def test_what_lacks_something_is_told_where_it_is_read(read: Any, record: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(record)
