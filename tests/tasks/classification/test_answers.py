"""The answer of a classifier, photo by photo."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.bundle.prediction_rows import Answer
from visionft.tasks.classification.answers import ANSWERS

CLASSES = ("boot", "hat", "shoe")
TABLE = [
    ["hat", "boot"],
    np.array([1, 0]),
    np.array([0.5, 0.8], np.float32),
    np.array([[0.3, 0.5, 0.2], [0.8, 0.1, 0.1]], np.float32),
    np.zeros((2, 3), np.float32),
    np.ones((2, 4), np.float32),
    np.array([2.5, -1.0], np.float32),
    np.array([False, True]),
]


def test_outputs_become_an_answer_a_photo_of_plain_values() -> None:
    first, second = ANSWERS.split(TABLE)
    assert (first.label, first.class_index, first.unknown) == ("hat", 1, False)
    assert (second.probability, second.known_score, second.unknown) == (pytest.approx(0.8), -1.0, True)
    assert [type(value) for value in (first.label, first.class_index, first.probability, first.unknown)] == [
        str, int, float, bool,
    ]  # fmt: skip
    assert second.embedding.shape == (4,)


def test_a_label_has_to_be_that_of_its_index_among_as_many_classes() -> None:
    answer = next(ANSWERS.split(TABLE))
    assert ANSWERS.fits(answer, CLASSES)
    assert not ANSWERS.fits(answer, ("boot", "coat", "shoe"))
    assert not ANSWERS.fits(answer, CLASSES[:2])


def test_a_server_says_the_most_probable_first() -> None:
    told = ANSWERS.plain(next(ANSWERS.split(TABLE)), CLASSES, 2)
    assert [one["label"] for one in told["top"]] == ["hat", "boot"]
    assert told["top"][0]["probability"] == told["probability"] == 0.5
    assert (told["label"], told["unknown"], ANSWERS.subject(1234)) == ("hat", False, "1,234 classes")


def test_a_row_is_the_answer_under_the_photo_s_name() -> None:
    answer: Answer = next(ANSWERS.split(TABLE))
    row = ANSWERS.row("a.jpg", answer)
    assert (row.path, row.label, row.probability) == ("a.jpg", "hat", 0.5)
    assert ANSWERS.predictions((row,), CLASSES)[0] is row
