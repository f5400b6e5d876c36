"""A log of answers: which rows are whole, and which stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.data.answer_log import UNDO, UnknownAnswerError, cut, next_time, settled

TIME = b"2026-11-29T23:20:01.123456Z"
ROW = b"hat/a.jpg,relabel,cap,why,1.000,ann," + TIME


@dataclass(frozen=True)
class Row:
    path: str
    action: str
    value: str
    when: str
    line: int = 0


def test_the_last_answer_to_a_photo_stands() -> None:
    rows = [Row("a", "drop", "", "1"), Row("b", "drop", "", "2"), Row("a", "confirm", "hat", "3")]
    assert settled(rows) == [rows[2], rows[1]]


def test_an_undo_takes_back_the_answer_that_it_names_and_no_other() -> None:
    rows = [Row("a", "drop", "", "1"), Row("a", "relabel", "cap", "2"), Row("a", UNDO, "1", "3")]
    assert settled(rows) == [rows[1]]
    assert settled([*rows[:2], Row("a", UNDO, "2", "3")]) == [rows[0]]
    assert settled([*rows, Row("a", UNDO, "2", "4")]) == []


def test_what_is_not_there_is_not_taken_back() -> None:
    with pytest.raises(UnknownAnswerError, match="line 7 takes back an answer of 1, which is not there"):
        settled([Row("a", "drop", "", "1"), Row("b", UNDO, "1", "2", 7)])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_a_log_stands_as_a_stack_of_answers_for_each_photo(steps: Sequence[tuple[str, bool]]) -> None:
    rows: list[Row] = []
    stacks: dict[str, list[Row]] = {path: [] for path in "abc"}
    for at, (path, taken_back) in enumerate(steps):
        stack = stacks[path]
        if taken_back and stack:
            rows.append(Row(path, UNDO, stack.pop().when, str(at)))
        else:
            rows.append(Row(path, "drop", "", str(at)))
            stack.append(rows[-1])
    assert {row.path: row for row in settled(rows)} == {path: stack[-1] for path, stack in stacks.items() if stack}


def test_every_cut_through_a_line_leaves_the_lines_before_it() -> None:
    whole = ROW + b"\n"
    for end in range(len(ROW)):
        assert cut(whole + ROW[:end]) == (whole, ROW[:end])
    assert cut(whole + ROW) == (whole + whole, b""), "only the end of the line is missing: an editor left it out"
    assert cut(whole) == (whole, b"")
    assert cut(b"") == (b"", b"")


@pytest.mark.parametrize(
    "last", ["9999", "", "yesterday", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z", "2026-02-30T00:00"]
)
def test_a_time_that_was_typed_by_hand_is_not_gone_on_from(last: str) -> None:
    earlier = datetime.now(UTC)
    found = next_time([last])
    assert earlier <= datetime.fromisoformat(found) <= datetime.now(UTC)
    assert cut(b"a,drop," + found.encode())[1] == b"", "a line is known by it"


def test_a_time_rises_and_is_that_of_no_other_row() -> None:
    first = next_time([])
    soon = datetime.fromisoformat(first).replace(microsecond=0)
    ahead = [f"{soon:%Y-%m-%dT}23:59:59.99999{digit}Z" for digit in (8, 7)]
    found = next_time(ahead)
    assert found > ahead[1]
    assert found not in ahead
