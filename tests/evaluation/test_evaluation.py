"""The outcome of an evaluation: figures, and an answer for each photo."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.evaluation.test_evaluate import FIELDS
from visionft.errors import DiskSpaceError, RunError
from visionft.evaluation import Evaluation
from visionft.evaluation.evaluation import FILES


def test_the_figures_follow_from_the_answers(evaluation: Evaluation) -> None:
    table = evaluation.predictions.to_pydict()
    right = [truth == label for truth, label in zip(table["truth"], table["label"], strict=True)]
    assert right == table["correct"]
    assert evaluation.metrics.top1 == pytest.approx(np.mean(right))
    assert evaluation.metrics.log_loss == pytest.approx(-np.log(table["truth_probability"]).mean(), rel=1e-4)
    assert evaluation.metrics.confusion.sum() == len(right)


def test_exactly_the_files_of_the_contract(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = evaluation.write(tmp_path / "new" / "folder")
    assert {entry.name for entry in folder.iterdir()} == FILES
    assert {"metrics.json", "predictions.csv", "predictions.parquet", "confusion.csv"} == FILES


def test_one_row_a_photo_in_both_formats(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = evaluation.write(tmp_path)
    assert pq.read_table(folder / "predictions.parquet").equals(evaluation.predictions)
    rows = list(csv.DictReader((folder / "predictions.csv").read_text().splitlines()))
    assert list(rows[0]) == FIELDS
    assert [row["path"] for row in rows] == evaluation.predictions["path"].to_pylist()
    assert all(0 < float(row["truth_probability"]) <= float(row["probability"]) <= 1 for row in rows)
    assert [row["correct"] == "true" for row in rows] == [row["truth"] == row["label"] for row in rows]


def test_a_file_in_the_folder_s_place(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match=r"file could not be written \(File exists\)"):
        evaluation.write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk(evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["visionft.evaluation.evaluation"].pyarrow.csv, "write_csv", write)
    with pytest.raises(DiskSpaceError, match=r"the disk is full: .*predictions\.csv could not be written; make room"):
        evaluation.write(tmp_path)
    assert not (tmp_path / "metrics.json").exists(), "where it stands, a fit takes all four files for written"


def test_it_prints_itself(evaluation: Evaluation, trained: Path) -> None:
    assert str(evaluation).startswith(f"{trained} on test: ")
    assert evaluation._repr_html_().startswith(f"<p>{trained} on test</p>")
