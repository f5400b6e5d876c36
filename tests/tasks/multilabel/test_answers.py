"""Labels as answers: in a terminal, in a notebook, on a server and in every format of a file."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from visionft.bundle import Unanswered
from visionft.bundle.product_rows import Reading, UnansweredProduct
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


READING = Reading(1.0, None, np.array([0.5, 0.5, 0.9], np.float32))


def photo(logits: list[float], embedding: list[float] | None = None) -> LabelsAnswer:
    told = np.array(logits, np.float32)
    probabilities = (1 / (1 + np.exp(-told))).astype(np.float32)
    return LabelsAnswer(probabilities, probabilities >= 0.5, told, np.array(embedding or [1, 0], np.float32))


def test_a_product_has_the_labels_of_the_mean_log_odds() -> None:
    both = ANSWERS.together([photo([3, -4, 2], [1, 0]), photo([-1, 1, 2], [0, 1])], NAMES, READING)
    np.testing.assert_array_equal(both.logits, np.array([1, -1.5, 2], np.float32))
    np.testing.assert_allclose(both.probabilities, 1 / (1 + np.exp(-both.logits)), rtol=1e-6)
    assert both.chosen.tolist() == [True, False, False], "0.88 is below the threshold of the third"
    np.testing.assert_allclose(both.embedding, [0.5**0.5] * 2, rtol=1e-6)
    alone = photo([3, -4, 2])
    assert ANSWERS.together([alone], NAMES, READING) is alone


def test_the_order_of_photos_and_the_sign_of_a_label_change_nothing() -> None:
    photos = [photo([3, -4, 2]), photo([-1, 1, 2]), photo([0.5, 0.25, -7])]
    there, back = (ANSWERS.together(part, NAMES, READING).logits for part in (photos, photos[::-1]))
    np.testing.assert_allclose(there, back, rtol=1e-6)
    opposite = [photo([-value for value in one.logits.tolist()]) for one in photos]
    found = ANSWERS.together(opposite, NAMES, READING)
    np.testing.assert_allclose(
        1 - found.probabilities, ANSWERS.together(photos, NAMES, READING).probabilities, rtol=1e-5
    )


def test_at_least_one_label_of_a_product_is_chosen_where_that_is_asked_for() -> None:
    photos = [photo([-3, -4, -2]), photo([-3, -4, -2])]
    assert not ANSWERS.together(photos, NAMES, READING).chosen.any()
    asked = replace(READING, at_least_one=True)
    assert ANSWERS.together(photos, NAMES, asked).chosen.tolist() == [False, False, True]


def test_products_are_a_table_of_their_own(tmp_path: Path) -> None:
    unread = (Unanswered("c.jpg", "truncated"), Unanswered("d.jpg", "empty file"))
    rows = (ANSWERS.product_row("sku1", FIRST, 2, 1), UnansweredProduct.of_photos("sku2", 1))
    found = ANSWERS.product_predictions(rows, NAMES, unread)
    assert str(found).splitlines()[0] == "sku1  c  87.5%, a  75.0%  (2 photos, 1 not read)"
    assert "1 of 2 products answered" in str(found)
    assert (found.account.asked, found.account.measured) == (4, 2)
    assert "<td>sku1</td><td>2</td><td>c, a</td>" in found._repr_html_()
    with found.write(tmp_path / "a.csv").open() as file:
        told = list(csv.DictReader(file))
    assert [(row["product"], row["photos"], row["unread"], row["labels"]) for row in told] == [
        ("sku1", "2", "1", "c|a"), ("sku2", "0", "1", ""),
    ]  # fmt: skip
    table = pq.read_table(found.write(tmp_path / "a.parquet"))
    assert table.column_names == ["product", "photos", "unread", "labels", "problem", "probabilities"]
    assert table.to_pylist()[1]["problem"] == "its one photo could not be read"
