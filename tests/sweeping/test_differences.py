"""Which settings are worse than the best ones by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.sweeping.differences import PREDICTIONS, Difference, behind, right_by_photo


def run(folder: Path, rows: Sequence[tuple[str, bool]], column: str = "correct") -> Path:
    (folder / PREDICTIONS).parent.mkdir(parents=True)
    paths, right = zip(*rows, strict=True)
    pq.write_table(pa.table({"path": paths, column: right}), folder / PREDICTIONS)
    return folder


def test_seeds_are_a_share_and_photos_that_one_lacks_are_left_out(tmp_path: Path) -> None:
    one = run(tmp_path / "1", [("a", True), ("b", False), ("c", True)])
    two = run(tmp_path / "2", [("a", False), ("b", False)])
    assert right_by_photo([one, two]) == {"a": 0.5, "b": 0.0}
    assert right_by_photo([one]) == {"a": 1.0, "b": 0.0, "c": 1.0}


def test_where_answers_were_not_recorded_nothing_is_known(tmp_path: Path) -> None:
    one = run(tmp_path / "1", [("a", True)])
    assert right_by_photo([one, tmp_path / "gone"]) is None
    assert right_by_photo([run(tmp_path / "2", [("a", True)], column="value")]) is None, (
        "numbers are not right or wrong"
    )
    assert right_by_photo([one, run(tmp_path / "3", [("b", True)])]) is None, "they share no photo"


def test_a_difference_is_of_the_photos_of_both() -> None:
    best = {f"{n}": 1.0 for n in range(100)} | {"own": 0.0}
    other = {f"{n}": float(n % 2) for n in range(100)} | {"alone": 1.0}
    found = behind(best, other)
    assert found is not None
    assert found.mean == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert not found.chance
    for one, two in ((None, other), (best, None), ({}, other), ({"x": 1.0}, {"y": 1.0})):
        assert behind(one, two) is None


def test_the_interval_holds_nothing_where_all_are_alike_and_chance_where_it_holds_0() -> None:
    same = np.array([0.0, 1.0] * 20)
    assert Difference.of(same, same) == Difference(0.0, 0.0, 0.0)
    assert Difference(0.01, -0.01, 0.03).chance
    assert not Difference(0.02, 0.001, 0.03).chance
