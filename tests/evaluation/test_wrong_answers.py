"""The answers that are furthest from the truth, and how often classes were taken for each other."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

import visionft
from visionft.errors import UsageError
from visionft.evaluation import Evaluation
from visionft.evaluation.wrong_answers import worst


@pytest.fixture(scope="module")
def evaluation(trained: Path) -> Evaluation:
    return visionft.evaluate(trained, split="validation", out=trained.parent / "figures")


def test_the_most_certain_wrong_answer_comes_first() -> None:
    table = pa.table(
        {
            "path": ["a", "b", "c", "d"],
            "probability": pa.chunked_array([[0.9, 0.5], [0.8, 0.7]]),
            "correct": pa.chunked_array([[True, False], [False, False]]),
        }
    )
    found = worst(table, 2)
    assert found.columns == ("path", "probability")
    assert [row["path"] for row in found] == ["c", "d"]


def test_of_numbers_the_widest_errors_come_first() -> None:
    table = pa.table({"path": ["a", "b", "c"], "error": [1.0, -3.0, 2.0]})
    assert [row["path"] for row in worst(table, 5)] == ["b", "c", "a"]


def test_where_all_is_right_there_is_no_row() -> None:
    assert len(worst(pa.table({"path": ["a"], "probability": [0.5], "correct": [True]}), 5)) == 0


def test_less_than_one_row_is_refused() -> None:
    with pytest.raises(UsageError, match="most is 0: give the number of answers, from 1 up"):
        worst(pa.table({"path": ["a"], "error": [1.0]}), 0)


def test_an_evaluation_has_both(evaluation: Evaluation) -> None:
    confusion = evaluation.confusion()
    assert confusion.columns == ("truth", *evaluation.metrics.classes)
    assert [list(row)[1:] for row in confusion.values] == evaluation.metrics.confusion.tolist()
    assert evaluation.written is not None
    with (evaluation.written / "confusion.csv").open(encoding="utf-8") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == [tuple(map(str, row)) for row in confusion.values]
    wrong = sum(not right for right in evaluation.predictions["correct"].to_pylist())
    assert len(evaluation.worst(1000)) == wrong
    assert len(evaluation.worst(1)) == min(1, wrong)


def test_it_prints_its_figures_and_no_arrays(evaluation: Evaluation) -> None:
    assert repr(evaluation) == str(evaluation)
    assert "top-1 accuracy" in repr(evaluation)
