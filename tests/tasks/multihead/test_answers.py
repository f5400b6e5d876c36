"""A photo's answer is a label of each head: in rows, in JSON, in the table of outputs."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.bundle.prediction_rows import Unanswered
from visionft.errors import UsageError
from visionft.tasks.multihead.answers import ANSWERS, answer_of
from visionft.tasks.multihead.head_layout import Heads

CLASSES = ("a=x", "a=y", "b=u", "b=v", "b=w")
ANSWER = answer_of(
    Heads(CLASSES),
    np.array([1, 2]),
    np.array([0.25, 0.75, 0.25, 0.125, 0.625], np.float32),
    np.zeros(5, np.float32),
    np.ones(1, np.float32),
)


def test_a_row_has_label_and_probability_of_each_head() -> None:
    rows = (ANSWERS.row("p.jpg", ANSWER), Unanswered("q.jpg", "empty"))
    found = ANSWERS.predictions(rows, CLASSES)
    assert found.columns == ("path", "a", "a_probability", "b", "b_probability", "problem")
    assert [tuple(row.values()) for row in found.to_rows()] == [
        ("p.jpg", "y", 0.75, "w", 0.625, None), ("q.jpg", None, None, None, None, "empty"),
    ]  # fmt: skip
    assert str(found).splitlines()[:2] == ["p.jpg  a=y  75.0%, b=w  62.5%", "q.jpg  not read: empty"]
    assert found.to_arrow()["probabilities"].to_pylist()[0] == ANSWER.probabilities.tolist()
    assert found.cells(found[0]) == ("p.jpg", "a=y  75.0%, b=w  62.5%")


def test_a_server_tells_each_head_by_its_name() -> None:
    told = ANSWERS.plain(ANSWER, CLASSES, 2)["heads"]
    assert told["a"] == {"label": "y", "class_index": 1, "probability": 0.75, "top": told["a"]["top"]}
    assert told["b"]["top"] == [{"label": "w", "probability": 0.625}, {"label": "u", "probability": 0.25}]


def test_an_answer_fits_the_classes_that_it_names() -> None:
    assert ANSWERS.fits(ANSWER, CLASSES)
    assert not ANSWERS.fits(ANSWER, ("a=x", "a=z", "b=u", "b=v", "b=w"))
    assert not ANSWERS.fits(ANSWER, ("a=x", "a=y", "a=z", "a=za", "a=zb"))
    assert not ANSWERS.fits(ANSWER, CLASSES[:4])


def test_two_bundles_are_compared_by_all_labels_at_once() -> None:
    told = ANSWERS.told(ANSWER, CLASSES)
    assert (told.label, told.probability) == ("a=y|b=w", 0.75 * 0.625)
    assert told.probabilities.sum() == pytest.approx(1)
    assert ANSWERS.right("a=y|b=w", "a=y|b=w")
    assert not ANSWERS.right("a=y|b=w", "a=y|b=v")


def test_the_table_of_outputs_counts_heads() -> None:
    shapes = {row.name: row.shape for row in ANSWERS.tensors_of(CLASSES, 7)}
    assert shapes["labels"] == shapes["class_indices"] == ("N", 2)
    assert (shapes["probabilities"], shapes["embedding"]) == (("N", 5), ("N", 7))
    assert ANSWERS.tensors(5, 7)[1].shape == ("N", "H")


def test_a_number_of_labels_is_refused() -> None:
    found = ANSWERS.predictions((ANSWERS.row("p.jpg", ANSWER),), CLASSES)
    with pytest.raises(UsageError, match="top is 3, and a photo has one label of each head: leave it out"):
        found.with_top(3)
    assert found.with_top(1) is found
