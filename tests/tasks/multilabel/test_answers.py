"""Labels as answers: in a terminal, in a notebook, on a server and in every format of a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from visionft.bundle import Unanswered
from visionft.errors import UsageError
from visionft.tasks.multilabel.answers import ANSWERS, LabelsAnswer

NAMES = ("a", "b", "c")


def answer(probabilities: list[float], chosen: list[bool]) -> LabelsAnswer:
    return LabelsAnswer(
        np.array(probabilities, np.float32), np.array(chosen), np.zeros(3, np.float32), np.ones(4, np.float32) / 2
    )


FIRST = answer([0.75, 0.125, 0.875], [True, False, True])
ROWS = (
    ANSWERS.row("a.jpg", FIRST),
    ANSWERS.row("b.jpg", answer([0.25, 0.25, 0.25], [False, False, False])),
    Unanswered("c.jpg", "truncated"),
)


def test_a_table_of_labels_shows_itself() -> None:
    found = ANSWERS.predictions(ROWS, NAMES)
    assert str(found).splitlines() == [
        "a.jpg  c  87.5%, a  75.0%", "b.jpg  no label", "c.jpg  not read: truncated",
        "2 photos answered, 1 of 3 not read",
    ]  # fmt: skip
    assert found[0].labels == ("c", "a")
    assert "<td>a.jpg</td><td>c, a</td>" in found._repr_html_()
    assert "<td>b.jpg</td><td>none</td>" in found._repr_html_()


def test_every_format_holds_the_labels(tmp_path: Path) -> None:
    found = ANSWERS.predictions(ROWS, NAMES)
    with found.write(tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["labels"], row["problem"]) for row in rows] == [("c|a", ""), ("", ""), ("", "truncated")]
    lines = found.write(tmp_path / "a.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "path": "a.jpg", "labels": "c|a", "problem": None, "probabilities": [0.75, 0.125, 0.875],
    }  # fmt: skip
    table = pq.read_table(found.write(tmp_path / "a.parquet"))
    assert table.to_pylist()[2] == {"path": "c.jpg", "labels": None, "problem": "truncated", "probabilities": None}
    assert json.loads(table.schema.metadata[b"classes"]) == list(NAMES)


def test_nobody_asks_for_a_number_of_labels() -> None:
    with pytest.raises(UsageError, match="top is 3, and a photo has every label that reaches its threshold"):
        ANSWERS.predictions(ROWS, NAMES).with_top(3)


def test_outputs_of_the_graph_become_answers_and_back() -> None:
    outputs = [getattr(FIRST, name)[None] for name in ANSWERS.outputs]
    (found,) = ANSWERS.split(outputs)
    assert ANSWERS.fits(found, NAMES)
    assert not ANSWERS.fits(found, NAMES[:2])
    assert [row.name for row in ANSWERS.tensors(3, 4) if row.direction == "out"] == list(ANSWERS.outputs)
    assert ANSWERS.plain(found, NAMES, 2) == {
        "labels": ["c", "a"],
        "top": [{"label": "c", "probability": 0.875}, {"label": "a", "probability": 0.75}],
    }
    assert (ANSWERS.subject(1), ANSWERS.subject(3)) == ("1 label", "3 labels")
