"""Which photos are shown: by their loss, by their probability, by their cells."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from visionft.reporting.photo_answers import PAIRS, PHOTOS, Answers


def table(rows: list[tuple[str, str, float, float]]) -> pa.Table:
    """Return answers of (truth, label, probability, truth_probability)."""
    truth, label, probability, own = zip(*rows, strict=True)
    return pa.table(
        {
            "path": [f"{number}.jpg" for number in range(len(rows))],
            "truth": truth,
            "label": label,
            "probability": np.array(probability, np.float32),
            "truth_probability": np.array(own, np.float32),
            "correct": [a == b for a, b in zip(truth, label, strict=True)],
        }
    )


ROWS = [
    ("hat", "hat", 0.9, 0.9), ("hat", "bag", 0.6, 0.3), ("hat", "bag", 0.95, 0.01), ("bag", "bag", 0.5, 0.5),
    ("bag", "hat", 0.7, 0.2),
]  # fmt: skip


def paths(photos: list[dict[str, object]]) -> list[object]:
    return [photo["path"] for photo in photos]


def test_the_worst_are_wrong_and_by_their_loss() -> None:
    assert paths(Answers(table(ROWS), ["bag", "hat"]).worst()) == ["2.jpg", "4.jpg", "1.jpg"]


def test_the_least_sure_may_be_right() -> None:
    assert paths(Answers(table(ROWS), ["bag", "hat"]).least_sure())[:2] == ["3.jpg", "1.jpg"]


def test_pairs_are_cells_of_the_matrix_with_their_surest_mistakes_first() -> None:
    first, second = Answers(table(ROWS), ["bag", "hat"]).pairs()
    assert (first["true_name"], first["answered_name"], first["count"]) == ("hat", "bag", 2)
    assert (first["true"], first["answered"]) == (1, 0)
    assert paths(first["photos"]) == ["2.jpg", "1.jpg"]
    assert (second["true_name"], second["count"]) == ("bag", 1)


def test_right_answers_of_few_classes_are_cells_too() -> None:
    found = Answers(table(ROWS), ["bag", "hat"]).right()
    assert [(cell["true"], cell["answered"], paths(cell["photos"])) for cell in found] == [
        (0, 0, ["3.jpg"]), (1, 1, ["0.jpg"]),
    ]  # fmt: skip


def test_of_many_classes_the_largest_pairs_alone_are_shown() -> None:
    names = [f"{number:03}" for number in range(200)]
    rows = [(names[i % 200], names[(i + 1) % 200], 0.5, 0.1) for i in range(200 * (PHOTOS + 3))]
    answers = Answers(table(rows), names)
    assert len(answers.pairs()) == PAIRS
    assert {len(pair["photos"]) for pair in answers.pairs()} == {PHOTOS}
    assert answers.right() == []


def test_reliability_counts_every_photo_once() -> None:
    bins = Answers(table(ROWS), ["bag", "hat"]).reliability()
    assert sum(row["n"] for row in bins) == len(ROWS)
    top = bins[-1]
    assert (top["n"], top["accuracy"]) == (1, 0.0)
    assert top["probability"] == pytest.approx(0.95)
    assert all(row["above"] < row["probability"] <= row["to"] for row in bins)


def test_names_that_steer_a_terminal_are_escaped() -> None:
    found = Answers(table([("a\x1b", "b\n", 0.5, 0.1)]), ["a\x1b", "b\n"]).worst()
    assert (found[0]["truth"], found[0]["label"]) == ("a\\x1b", "b\\n")
