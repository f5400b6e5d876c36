"""Conditions over the columns of an index, as SQL has them: read word by word, so that nothing else gets through.

Two walls: a condition is made anew from the words that are known here, and it runs on a connection that reads alone,
where an authorizer refuses every other table, function and statement.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visionft.errors import UsageError
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some
from visionft.wording.safe_text import printable

LONGEST = 10_000
"""Characters of a condition."""
SECONDS = 10.0
"""Of one condition over all photos: 10^6 rows take about one."""
LONGEST_PATTERN = 500
"""Characters of a pattern of LIKE or GLOB: one text beside a long one can take longer than all else together."""
_LOOKED = 200
"""Steps of SQLite's machine between two looks at the clock."""
EXAMPLE = "give conditions such as \"colour = 'red' AND price < 20\""
KEYWORDS = frozenset(
    "and or not in is null isnull notnull like glob between escape true false case when then else end collate nocase "  # noqa: SIM905
    "cast as text integer real".split()
)
FUNCTIONS = frozenset(
    "lower upper length abs round coalesce ifnull nullif substr trim ltrim rtrim instr".split()  # noqa: SIM905
)
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^'\0]|'')*')
    |(?P<quoted>"(?:[^"\0]|"")*")
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>\|\||<=|>=|<>|!=|==|[=<>+\-*/%(),])""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"like", "glob"})  # functions to SQLite's authorizer


def condition(text: str, columns: Sequence[str]) -> str:
    """Return a condition as one SQL expression over quoted columns.

    Args:
        text: what the user wrote: columns, texts in single quotes, numbers, comparisons, AND, OR, NOT, IN, LIKE, GLOB,
            BETWEEN, IS NULL, CASE, CAST, and some functions of text and numbers.
        columns: that there are; a name is taken in any case, and in double quotes where it is no plain word.

    Raises:
        UsageError: it holds anything else, or its brackets do not match.
    """
    if not text.strip():
        raise UsageError(f"--where: the condition is empty; {EXAMPLE}, or leave it out")
    if len(text) > LONGEST:
        raise UsageError(f"--where: the condition has {len(text):,} characters; give at most {LONGEST:,}")
    words, depth = [], 0
    tokens = _tokens(text)
    for place, (kind, word) in enumerate(tokens):
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0:
            break
        words.append(_known(kind, word, following, columns))
    if depth:
        raise UsageError(f"--where: the brackets of {_shown(text)} do not match; mend them")
    return " ".join(words)  # one space between all: what stood together to make a comment no longer does


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise UsageError(f"--where: {_shown(text[at : at + 20])} is no part of a condition over columns; {EXAMPLE}")
        at = token.end()
        if token.lastgroup != "space":
            found.append((str(token.lastgroup), token[0]))
    return found


def _known(kind: str, word: str, following: str, columns: Sequence[str]) -> str:
    if kind == "quoted":
        return quoted(_column(word[1:-1].replace('""', '"'), columns, in_quotes=True))
    if kind != "word" or word.lower() in KEYWORDS:
        return word
    if following == "(" and word.lower() in FUNCTIONS:
        return word
    return quoted(_column(word, columns, in_quotes=False))


def _column(name: str, columns: Sequence[str], *, in_quotes: bool) -> str:
    found = next((column for column in columns if column.lower() == name.lower()), None)
    if found is not None:
        return found
    near = did_you_mean(name, columns)
    mend = near + (f"; a text stands in single quotes ('{_shown(name)}')" if in_quotes else "")
    raise UsageError(f"--where: there is no column {_shown(name)!r}{mend}; the index has {some(columns, 12)}")


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever signs it has."""
    return '"' + name.replace('"', '""') + '"'


def matching(connection: sqlite3.Connection, text: str, columns: Sequence[str]) -> NDArray[np.int64]:
    """Return the ids (n,) of photos that a condition is true of, in their order.

    Args:
        connection: reads alone, and is used for nothing else.
        text: the condition; see `condition`.
        columns: of the table `photos` that it may name.

    Raises:
        UsageError: it is no condition, or takes longer than `SECONDS`.
    """
    expression = condition(text, columns)
    known, selects = {*columns, "photo_number", ""}, [0]

    def allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            selects[0] += 1
            return sqlite3.SQLITE_OK if selects[0] == 1 else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_OK if first == "photos" and second in known else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            plain = (second or "").lower() in FUNCTIONS | _OPERATORS
            return sqlite3.SQLITE_OK if plain else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    until = time.monotonic() + SECONDS
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
    connection.set_progress_handler(lambda: int(time.monotonic() > until), _LOOKED)
    connection.set_authorizer(allowed)
    try:
        rows = connection.execute(f"SELECT photo_number FROM photos WHERE ({expression}) ORDER BY photo_number")
        return np.fromiter((row[0] for row in rows), np.int64)
    except sqlite3.Error as error:
        reason = f"it takes more than {SECONDS:g} seconds" if str(error) == "interrupted" else str(error)
        raise UsageError(f"--where: {_shown(text)} cannot be used ({reason}); {EXAMPLE}") from error
    finally:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)


def _shown(text: str) -> str:
    said = printable(text)
    return said if len(said) <= 80 else f"{said[:77]}..."
