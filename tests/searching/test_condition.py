"""Conditions: what they find, and that nothing but a condition over columns gets through."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from visionft.errors import UsageError
from visionft.searching import condition as module
from visionft.searching.condition import condition, matching

COLUMNS = ("path", "label", "split", "group", "colour", "price", "Größe", 'odd " name', "end")
ROWS = [
    ("a.jpg", "hat", None, "s1", "red", 10, "M", "x", "e"),
    ("b.jpg", "hat", None, "s2", "blue", 25, None, "y", "e"),
    ("c.jpg", "mug", "test", None, "Red", 7.5, "L", "O'Brien", None),
]


@pytest.fixture
def rows() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in COLUMNS)
    connection.execute(f"CREATE TABLE photos (photo_number INTEGER PRIMARY KEY, photo_sha256 BLOB, {names})")
    connection.execute("CREATE TABLE facts (name, value)")
    connection.execute("CREATE TABLE vectors (id, vector)")
    for number, row in enumerate(ROWS):
        connection.execute(f"INSERT INTO photos VALUES (?, ?, {','.join('?' * len(row))})", (number, b"d", *row))
    yield connection
    connection.close()


@pytest.mark.parametrize(("text", "found"), [
    ("colour = 'red'", [0]),
    ("COLOUR='red' or Price > 20", [0, 1]),
    ("lower(colour) = 'red' AND price < 10", [2]),
    ("group = 's1'", [0]),
    ('"group" IS NULL', [2]),
    ("label IN ('mug', 'cup')", [2]),
    ("label NOT IN ('mug')", [0, 1]),
    ("path LIKE '%b.jpg'", [1]),
    ("path GLOB '[ab].*'", [0, 1]),
    ("price BETWEEN 7 AND 10", [0, 2]),
    ("größe = 'M'", [0]),
    ("\"odd \"\" name\" = 'O''Brien'", [2]),
    ('"end" IS NOT NULL', [0, 1]),
    ("CASE WHEN price > 20 THEN 'dear' ELSE 'cheap' END = 'dear'", [1]),
    ("CAST(price AS INTEGER) = 7", [2]),
    ("length(coalesce(Größe, '')) = 0", [1]),
    ("(1 = 1) OR (2 = 3)", [0, 1, 2]),
    ("price * 2 - -1 > 20", [0, 1]),
])  # fmt: skip
def test_what_a_condition_finds(rows: sqlite3.Connection, text: str, found: list[int]) -> None:
    assert matching(rows, text, COLUMNS).tolist() == found


@pytest.mark.parametrize(("text", "told"), [
    ("", "the condition is empty"),
    ("  ", "the condition is empty"),
    ("colr = 'red'", "there is no column 'colr'; did you mean 'colour'?; the index has path, label,"),
    ("\"red\" = colour", "there is no column 'red'; did you mean 'end'?; a text stands in single quotes ('red'); the"),
    ("colour = 'red", "'red is no part of a condition"),
    ("colour = 'red';", "; is no part of a condition"),
    ("1=1; DROP TABLE photos", "; DROP TABLE photos is no part of a condition"),
    ("colour = 'red' -- all", "there is no column 'all'"),
    ("1) OR (1", "brackets of 1) OR (1 do not match"),
    ("(1=1", "brackets of (1=1 do not match"),
    ("1=1) LIMIT (1", "brackets of"),
    ("1 UNION SELECT 1", "there is no column 'UNION'"),
    ("(SELECT 1)", "there is no column 'SELECT'"),
    ("EXISTS (SELECT 1 FROM facts)", "there is no column 'EXISTS'"),
    ("label IN facts", "there is no column 'facts'"),
    ("photo_number = 1", "there is no column 'photo_number'"),
    ("rowid = 1", "there is no column 'rowid'"),
    ("photos.label = 'hat'", ".label = 'hat' is no part of a condition"),
    ("load_extension('x')", "there is no column 'load_extension'"),
    ("randomblob(1000000000) IS NULL", "there is no column 'randomblob'"),
    ("readfile('x') = 1", "there is no column 'readfile'"),
    ("label = ?1", "?1 is no part of a condition"),
    ("label = @x", "@x is no part of a condition"),
    ("label = 'a\x00b'", "is no part of a condition"),
    ("label = X'00'", "there is no column 'X'"),
    ("label(1)", "cannot be used (no such function: label)"),
    ("label = ", "cannot be used ("),
    ("colour colour", "cannot be used ("),
    ("1 ORDER BY price", "there is no column 'ORDER'"),
    ("x" * 10_001, "the condition has 10,001 characters"),
])  # fmt: skip
def test_all_else_is_refused_in_a_sentence_and_nothing_happens(rows: sqlite3.Connection, text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        matching(rows, text, COLUMNS)
    assert told in str(caught.value)
    assert str(caught.value).startswith("--where: ")
    assert "\n" not in str(caught.value)
    assert rows.execute("SELECT count(*) FROM photos").fetchone() == (3,)


@pytest.mark.parametrize("expression", [
    "(SELECT 1)",
    "label IN (SELECT name FROM facts)",
    "EXISTS (SELECT 1 FROM sqlite_master)",
    "photo_sha256 IS NULL",
    "hex(label) = 'a'",
    "random() = 1",
    "1) UNION SELECT id FROM vectors WHERE (1",
    "load_extension('x')",
])  # fmt: skip
def test_the_second_wall_holds_where_the_first_is_gone(
    rows: sqlite3.Connection, expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "condition", lambda text, columns: text)
    with pytest.raises(UsageError, match=r"cannot be used \((not authorized|.* is prohibited|access to .*)"):
        matching(rows, expression, COLUMNS)
    assert rows.execute("SELECT count(*) FROM facts").fetchone() == (0,)  # the authorizer went with the condition


def test_what_would_be_a_comment_is_not_one_any_more() -> None:
    assert condition("1 --1", ()) == "1 - - 1"
    with pytest.raises(UsageError):
        condition("1 /* x */", ())


def test_a_condition_that_takes_long_is_stopped(rows: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    rows.executemany("INSERT INTO photos (colour) VALUES (?)", [("red",)] * 30_000)
    with pytest.raises(UsageError, match="it takes more than 0 seconds"):
        matching(rows, "lower(colour) = 'blue'", COLUMNS)


def test_a_pattern_that_would_hold_the_clock_up_is_refused(rows: sqlite3.Connection) -> None:
    pattern = "%" + "a" * 499
    assert list(matching(rows, f"colour LIKE '{pattern}'", COLUMNS)) == []
    for word in ("LIKE", "GLOB"):
        with pytest.raises(UsageError, match="pattern too complex"):
            matching(rows, f"colour {word} '{pattern}a'", COLUMNS)
