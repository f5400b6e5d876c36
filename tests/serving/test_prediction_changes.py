"""One photo under two bundles."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from visionft.serving.prediction_changes import COLUMNS, WRITERS, Compared, Side

HAT, SHOE = Side("hat", 0.75, False), Side("shoe", 0.5, False)


@pytest.mark.parametrize(
    ("truth", "before", "after", "turn"),
    [
        (None, HAT, SHOE, None),
        ("hat", HAT, HAT, "right"),
        ("coat", HAT, SHOE, "wrong"),
        ("hat", HAT, SHOE, "right to wrong"),
        ("shoe", HAT, SHOE, "wrong to right"),
    ],
)
def test_right_and_wrong_are_told_by_the_truth(truth: str | None, before: Side, after: Side, turn: str | None) -> None:
    assert Compared("a", truth, before, after, 0.1).turn == turn


def test_a_truth_that_does_not_tell_is_no_turn() -> None:
    assert Compared("a", "fruit", HAT, SHOE, 0.1, judged=False).turn is None


def test_an_answer_changes_with_its_label_or_where_one_side_alone_knows_it() -> None:
    unknown = Side("hat", 0.7, True)
    found = [Compared("a", None, HAT, after, 0.0) for after in (HAT, Side("hat", 0.1, False), unknown, SHOE)]
    assert [row.changed for row in found] == [False, False, True, True]
    assert [row.relabelled for row in found] == [False, False, False, True]
    assert (str(HAT), str(unknown)) == ("hat 75.0%", "hat 70.0% unknown")


def test_a_row_has_its_columns_in_every_kind_of_file(tmp_path: Path) -> None:
    row = Compared("ü.jpg", "hat", HAT, SHOE, 0.25).to_row()
    assert list(row.items()) == list(
        zip(COLUMNS, ("ü.jpg", "hat", "right to wrong", "hat", 0.75, False, "shoe", 0.5, False, 0.25), strict=True)
    )
    for ending, write in WRITERS.items():
        write([row], tmp_path / f"a{ending}")
    assert json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8")) == row
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [row]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
