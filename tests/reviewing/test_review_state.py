"""Answers, filters and pages of a queue."""

from __future__ import annotations

import pytest

from visionft.errors import UsageError
from visionft.reviewing import AnswerFile, Card, Review
from visionft.reviewing.answer_file import NothingToUndoError


def numbers(
    review: Review, kind: str = "", label: str = "", state: str = "all", start: int = 0, most: int = 60
) -> list:
    return [card["number"] for card in review.page(kind, label, state, start, most)["cards"]]


def test_filters_keep_the_order_and_answers_survive_them_and_a_restart(review: Review) -> None:
    assert [card.kind for card in review.cards] == ["label", "confused", "duplicate", *["rest"] * 4]
    review.answer(0, "relabel", "cap", "")
    review.answer(2, "review", "", "")
    assert numbers(review, kind="label") == numbers(review, state="answered") == [0]
    assert numbers(review, state="skipped") == [2]
    assert numbers(review, state="open") == [1, 3, 4, 5, 6]
    assert numbers(review, label="cap") == [1, 2, 3]
    assert numbers(review, label="cap", state="open", start=2) == [3]
    again = Review("shop", review.root, review.classes, review.cards, AnswerFile(review.file.path), "bob")
    assert numbers(again, state="open") == [1, 3, 4, 5, 6]
    assert again.shown(again.card(0))["answer"]["value"] == "cap"


def test_pages_join_without_a_gap_in_both_directions(review: Review) -> None:
    first = review.page("", "", "all", 0, 3)
    assert ([card["number"] for card in first["cards"]], first["more"]) == ([0, 1, 2], True)
    assert review.page("", "", "all", 3, 60)["more"] is False
    back = review.page("", "", "all", 5, 2, back=True)
    assert ([card["number"] for card in back["cards"]], back["more"]) == ([5, 4], True)
    assert numbers(review, start=99) == []
    assert review.page("", "", "all", 99, 1, back=True)["cards"][0]["number"] == 6


def test_an_answer_tells_of_the_one_before_it(review: Review) -> None:
    assert review.answer(0, "drop", "", "ann")["before"] is None
    found = review.answer(0, "confirm", "", "bob")
    assert found["before"]["who"] == "ann"
    assert found["card"]["answer"] == found["answer"]
    assert (found["answer"]["action"], found["answer"]["value"]) == ("confirm", "hat")
    assert (found["answered"], found["actions"]) == (1, {"confirm": 1})
    assert [(row["action"], row["who"]) for row in review.changes(1)["changes"]] == [("confirm", "bob")]
    assert review.changes(99)["changes"] == []


def test_the_class_that_a_photo_has_is_a_confirmation(review: Review) -> None:
    assert review.answer(0, "relabel", "hat", "")["answer"]["action"] == "confirm"
    assert review.answer(0, "relabel", "Schuhe für Kinder", "")["answer"]["action"] == "relabel"


def test_what_is_skipped_keeps_its_answer(review: Review) -> None:
    review.answer(0, "drop", "", "")
    assert review.answer(0, "review", "", "bob")["answer"]["action"] == "drop"
    assert len(review.file.rows) == 1


def test_an_answer_that_somebody_gave_meanwhile_is_not_the_skippers(review: Review) -> None:
    bob = AnswerFile(review.file.path)
    bob.append("hat/0.jpg", "drop", "", "", "bob")
    number = review.cards[0].number
    found = review.answer(number, "review", "", "ann")
    assert (found["written"], found["answer"]["who"]) == (False, "bob")
    with pytest.raises(NothingToUndoError, match=r"the answer to hat/0.jpg is by bob, not by ann"):
        review.undo(number, found["answer"]["when"], "ann")
    assert review.shown(review.card(number))["answer"]["action"] == "drop"
    assert review.answer(number, "confirm", "", "ann")["written"] is True
    assert review.answer(1, "review", "", "ann")["written"] is True


def test_no_line_is_told_of_before_it_is_read(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that comes while an answer to the page is put together is in it, or in the next one."""
    bob = AnswerFile(review.file.path)
    progress = Review.progress

    def meanwhile(self: Review) -> dict:
        bob.append(f"hat/{len(bob.rows)}.jpg", "drop", "", "", "bob")
        self.file.refresh()
        return progress(self)

    monkeypatch.setattr(Review, "progress", meanwhile)
    since, told = review.overview()["lines"], []
    for _ in range(5):
        found = review.changes(since)
        told += [row["path"] for row in found["changes"]]
        since = found["lines"]
    assert told == [row.path for row in review.file.rows][:5]


def test_more_lines_than_are_told_at_once_are_told_later(review: Review) -> None:
    for number in range(250):
        review.file.append(f"hat/{number}.jpg", "drop", "", "", "bob")
    first = review.changes(0)
    second = review.changes(first["lines"])
    told = [row["path"] for row in first["changes"] + second["changes"]]
    assert told == [f"hat/{number}.jpg" for number in range(250)]


def test_undo_names_an_answer_or_takes_the_last_of_a_person(review: Review) -> None:
    given = review.answer(0, "drop", "", "ann")["answer"]
    review.answer(1, "drop", "", "bob")
    assert review.undo(0, given["when"], "ann")["card"]["answer"] is None
    review.answer(3, "drop", "", "ann")
    assert review.undo(None, "", "ann")["card"]["number"] == 3
    with pytest.raises(UsageError, match="there is no answer of ann to take back"):
        review.undo(None, "", "ann")
    assert review.progress()["answered"] == 1


@pytest.mark.parametrize(
    ("number", "action", "value", "words"),
    [
        (7, "drop", "", "there is no photo 7; give a number from 0 to 6"),
        (-1, "drop", "", "there is no photo -1"),
        (0, "undo", "", "there is no answer 'undo'; give one of confirm, relabel, drop, review"),
        (0, "relabel", "capp", r"there is no class 'capp'; did you mean 'cap'\?; give one of the 3 classes"),
    ],
)
def test_what_is_no_answer_is_refused_and_not_written(
    review: Review, number: int, action: str, value: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        review.answer(number, action, value, "")
    assert not review.file.path.exists()


def test_a_hundred_thousand_photos_are_paged(review: Review) -> None:
    cards = [Card(at, f"hat/{at}.jpg", "hat") for at in range(100_000)]
    large = Review("shop", review.root, ["hat"], cards, review.file, "ann")
    assert numbers(large, start=99_990, state="open") == list(range(99_990, 100_000))
    assert len(large.page("", "", "all", 0, 10_000)["cards"]) == 200
    assert large.page("label", "", "all", 0, 60) == {"cards": [], "more": False}
