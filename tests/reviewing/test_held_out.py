"""What a run's answers say of labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from visionft.auditing.label_errors import SHARE, suspects
from visionft.reviewing.held_out import doubts_of
from visionft.reviewing.ordering import queue


def table(*rows: tuple[str, str, str, float, float]) -> pa.Table:
    names = ("path", "truth", "label", "probability", "truth_probability")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def test_wrong_answers_are_errors_or_confused_and_right_ones_of_little_probability_have_high_losses() -> None:
    rows = [(f"hat/{at}", "hat", "hat", 0.9, 0.9) for at in range(8)]
    odd = [
        ("hat/err", "hat", "cap", 0.97, 0.01), ("hat/mild", "hat", "cap", 0.5, 0.4),
        ("hat/mild2", "hat", "cap", 0.6, 0.3), ("cap/one", "cap", "hat", 0.9, 0.1), ("cap/low", "cap", "cap", 0.4, 0.4),
        ("cap/lower", "cap", "cap", 0.3, 0.3), ("cap/sure", "cap", "cap", 0.51, 0.51),
    ]  # fmt: skip
    found = list(doubts_of(table(*rows, *odd), "the test photos"))
    labels = {row[0]: row[1] for row in (*rows, *odd)}
    cards = [card for card in queue(found, labels) if card.kind != "rest"]
    assert [(card.path, card.kind) for card in cards] == [
        ("hat/err", "label"), ("hat/mild2", "confused"), ("hat/mild", "confused"), ("cap/one", "confused"),
        ("cap/lower", "loss"), ("cap/low", "loss"),
    ]  # fmt: skip
    assert cards[0].why == ("answered 'cap' with probability 0.97 on the test photos, and its own class with 0.01",)
    assert (cards[0].proposed, cards[0].sure) == ("cap", 0.97)
    assert cards[1].why[0].endswith("as 3 photos of 'hat'")


def test_a_likely_error_is_what_the_audit_would_call_one() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet((0.3,) * 4, 400).astype(np.float32)
    labels = np.where(random.random(400) < 0.8, probabilities.argmax(axis=1), random.integers(0, 4, 400))
    own, names = probabilities[np.arange(400), labels], np.array(list("abcd"))
    rows = zip(
        map(str, range(400)), names[labels].tolist(), names[probabilities.argmax(axis=1)].tolist(),
        probabilities.max(axis=1).tolist(), own.tolist(), strict=True,
    )  # fmt: skip
    mine = {int(doubt.path) for doubt in doubts_of(table(*rows), "x") if doubt.kind == "label"}
    assert mine == set(np.flatnonzero(suspects(probabilities, labels)).tolist())
    assert 0 < len(mine) < 100
    assert SHARE < 1


def test_no_answers_are_no_doubts() -> None:
    assert list(doubts_of(table(("a", "hat", "hat", 1.0, 1.0)).slice(1), "x")) == []
