"""Names from outside on one line, in valid Unicode, whatever they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.photos import printable as printable_of_photos
from visionft.wording.safe_text import is_text, printable, printable_text

CASES = {
    "plain/größe 図.jpg": "plain/größe 図.jpg",
    os.fsdecode(b"lat\xe9"): r"lat\xe9",
    "a\nb": r"a\nb",
    "a\tb\rc": r"a\tb\rc",
    "\x1b[31mred\x1b[0m": r"\x1b[31mred\x1b[0m",
    "bell\x07 del\x7f csi\x9b2J": r"bell\x07 del\x7f csi\x9b2J",
    "gpj.\u202efdp": r"gpj.\u202efdp",
    "line\u2028break": r"line\u2028break",
    "\ud800": r"\ud800",
    "": "",
}


@pytest.mark.parametrize(("name", "said"), CASES.items(), ids=map(repr, CASES))
def test_names_are_said_on_one_line(name: str, said: str) -> None:
    assert printable(name) == said
    assert printable_of_photos is printable


def test_a_path_is_a_name_too() -> None:
    assert printable(Path("a\x1b") / "b") == r"a\x1b/b"


def test_a_text_keeps_its_lines() -> None:
    assert printable_text("one\n\ttwo\x1b[2J\n" + os.fsdecode(b"\xe9")) == "one\n\ttwo\\x1b[2J\n\\xe9"


def test_what_is_no_text_is_told() -> None:
    assert [is_text(name) for name in ("größe", "a\nb", os.fsdecode(b"lat\xe9"), "\ud800")] == [
        True,
        True,
        False,
        False,
    ]


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_the_name_the_line_can_be_written_and_moves_no_cursor(name: str) -> None:
    said = printable(name)
    said.encode("utf-8")
    assert len(said.splitlines()) <= 1
    assert all(sign.isprintable() or sign.isspace() or ord(sign) >= 0xA0 for sign in said)
    assert "\x1b" not in said
    assert printable(said) == said
