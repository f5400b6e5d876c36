"""The order of the queue."""

from __future__ import annotations

from itertools import permutations

from visionft.reviewing import KINDS, Doubt, queue

LABELS = {"a": "hat", "b": "hat", "c": "cap", "d": "cap", "e": "bag"}


def test_kinds_come_in_their_order_and_worth_decides_within_one() -> None:
    assert list(KINDS) == ["label", "confused", "loss", "duplicate", "fault", "rest"]
    doubts = [
        Doubt("a", "duplicate", (1.0,), "copy"), Doubt("b", "label", (0.6,), "x"), Doubt("c", "label", (0.9,), "y"),
        Doubt("d", "confused", (9.0, 0.0, 0.1), "z"),
    ]  # fmt: skip
    for order in permutations(doubts):
        cards = queue(order, LABELS)
        assert [(card.path, card.kind) for card in cards] == [
            ("c", "label"), ("b", "label"), ("d", "confused"), ("a", "duplicate"), ("e", "rest"),
        ]  # fmt: skip
        assert [card.number for card in cards] == [0, 1, 2, 3, 4]


def test_worth_is_compared_from_the_left_and_paths_break_ties() -> None:
    worths = {"a": (2.0, 0.1), "b": (2.0, 0.9), "c": (3.0, 0.0), "d": (2.0, 0.9), "e": (1.0, 9.0)}
    cards = queue([Doubt(path, "confused", worth, "") for path, worth in worths.items()], LABELS)
    assert [card.path for card in cards] == ["c", "b", "d", "a", "e"]


def test_a_photo_of_several_doubts_is_asked_about_once_with_all_of_them() -> None:
    doubts = [
        Doubt("a", "duplicate", (1.0,), "copy", other="b"), Doubt("a", "label", (0.5,), "audit", "hat", 0.4),
        Doubt("a", "label", (0.4,), "run", "cap", 0.8), Doubt("gone", "label", (1.0,), "?"),
    ]  # fmt: skip
    card, *rest = queue(doubts, LABELS)
    assert (card.kind, card.why) == ("label", ("audit", "run", "copy"))
    assert (card.proposed, card.sure) == ("cap", 0.8), "its own class is no proposal"
    assert card.other == 1
    assert rest[0].path == "b"
    assert len(rest) == 4
    assert all(other.kind == "rest" for other in rest)
