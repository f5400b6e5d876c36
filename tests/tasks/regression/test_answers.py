"""Numbers as answers: in a terminal, in a notebook and in every format of a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from visionft.bundle import Unanswered
from visionft.errors import UsageError
from visionft.tasks.regression.answers import ANSWERS, NumberAnswer, NumberPrediction

ANSWER = NumberAnswer(12.5, np.ones(4, np.float32) / 2)
ROWS = (NumberPrediction("a.jpg", 12.5), Unanswered("b.jpg", "truncated"))


def test_a_table_of_numbers_shows_itself() -> None:
    found = ANSWERS.predictions(ROWS, ())
    assert str(found).splitlines() == [
        "a.jpg  12.5", "b.jpg  not read: truncated", "1 photo answered, 1 of 2 not read",
    ]  # fmt: skip
    assert "<th>photo</th><th>value</th>" in found._repr_html_()
    assert "<td>a.jpg</td><td>12.5</td>" in found._repr_html_()
    assert (len(found.answered), len(found.unanswered)) == (1, 1)


def test_every_format_holds_the_numbers(tmp_path: Path) -> None:
    found = ANSWERS.predictions(ROWS, ())
    with found.write(tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"path": "a.jpg", "value": "12.5", "problem": ""}, {"path": "b.jpg", "value": "", "problem": "truncated"},
    ]  # fmt: skip
    lines = found.write(tmp_path / "a.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"path": "a.jpg", "value": 12.5, "problem": None}
    table = pq.read_table(found.write(tmp_path / "a.parquet"))
    assert table.to_pylist()[1] == {"path": "b.jpg", "value": None, "problem": "truncated"}


def test_there_is_one_number_a_photo() -> None:
    with pytest.raises(UsageError, match="top is 3, and a photo has one number: leave it out"):
        ANSWERS.predictions(ROWS, ()).with_top(3)


def test_outputs_of_the_graph_become_answers_and_back() -> None:
    (answer,) = ANSWERS.split([np.array([12.5], np.float32), ANSWER.embedding[None]])
    assert answer.value == 12.5
    assert answer.logits.tolist() == [12.5]
    assert all(hasattr(answer, name) for name in ANSWERS.outputs)
    assert ANSWERS.plain(answer, (), 1) == {"value": 12.5}
    assert ANSWERS.fits(answer, ())
    assert not ANSWERS.fits(answer, ("a", "b"))
    assert [row.name for row in ANSWERS.tensors(0, 4) if row.direction == "out"] == list(ANSWERS.outputs)
