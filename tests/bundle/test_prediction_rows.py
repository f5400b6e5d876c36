"""One photo's answer, and what stands in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from visionft.bundle.prediction_rows import COLUMNS, Answer, Prediction, Unanswered

NUMBERS = np.array([0.25, 0.75], np.float32)
ANSWER = Answer("hat", 1, 0.75, NUMBERS, NUMBERS, NUMBERS, 2.5, True)


def test_a_prediction_is_a_session_s_answer_with_the_photo_s_name() -> None:
    found = Prediction.of(Path("a/b.jpg"), ANSWER)
    assert found.to_row() == {
        "path": "a/b.jpg", "label": "hat", "class_index": 1, "probability": 0.75, "known_score": 2.5, "unknown": True,
        "problem": None,
    }  # fmt: skip
    assert tuple(found.to_row()) == COLUMNS
    assert found.probabilities is NUMBERS
    assert "probabilities" not in repr(found)


def test_what_was_not_read_has_the_same_columns_and_a_reason() -> None:
    missing = Unanswered("a.jpg", "truncated")
    assert missing.to_row() == dict.fromkeys(COLUMNS) | {"path": "a.jpg", "problem": "truncated"}
    assert [getattr(missing, name) for name in COLUMNS[1:-1]] == [None] * 5
    assert missing.named
