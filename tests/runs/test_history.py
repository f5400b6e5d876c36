"""Which epoch is kept, and what its row says, as the task has it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from visionft.errors import RunError
from visionft.runs import Run
from visionft.runs.history import Epoch, best, table, write_csv

FIRST, SECOND = (Epoch(number, 1, number, 0.1, 1.0, 1.0, score, 1.0, 1.0) for number, score in ((1, 0.3), (2, 0.4)))


def test_the_best_is_the_highest_or_the_lowest_score_as_the_task_says() -> None:
    assert best([FIRST, SECOND]) is SECOND
    assert best([FIRST, SECOND], "regression") is FIRST


def test_of_equal_scores_the_least_loss_is_kept() -> None:
    lower = Epoch(3, 1, 3, 0.1, 1.0, 0.5, 0.3, 1.0, 1.0)
    assert best([FIRST, lower]) is best([FIRST, lower], "regression") is lower


def test_the_score_has_its_own_column(tmp_path: Path) -> None:
    for task, column in (("classification", "val_top1"), ("regression", "val_mae")):
        write_csv(tmp_path / "metrics.csv", [FIRST], task)
        header, row = (line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
        assert dict(zip(header, row, strict=True))[column] == "0.3"
        assert "val_score" not in header


def test_a_row_of_an_older_checkpoint_is_read() -> None:
    row = {**vars(FIRST), "val_top1": FIRST.val_score}
    del row["val_score"]
    assert Epoch.of(row) == FIRST


def test_it_is_read_back_as_a_table(tmp_path: Path) -> None:
    rows = [Epoch(0, 1, 0, 0.0, math.nan, 1.5, 0.5, 2.0, 0.0), Epoch(1, 1, 4, 0.25, 1.0, 1.25, 0.75, 2.5, 8.0)]
    write_csv(tmp_path / "metrics.csv", rows)
    found = table(tmp_path / "metrics.csv")
    assert found.columns[-3:] == ("val_top1", "seconds", "images_per_second")
    assert [row["train_loss"] for row in found] == [None, 1.0]
    assert found[1]["epoch"] == 1
    assert found.to_arrow()["val_top1"].to_pylist() == [0.5, 0.75]


@pytest.mark.parametrize("text", ["", "epoch,lr\n1\n", "epoch\nx\n"])
def test_a_damaged_table_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"metrics\.csv is damaged \(it is no table of figures"):
        table(tmp_path / "metrics.csv")


def test_a_run_has_its_curves(trained: Path) -> None:
    run = Run.open(trained)
    assert len(run.curves()) >= 1
    assert repr(run) == str(run)
