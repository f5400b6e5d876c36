"""A log of answers that several people add to: which rows are whole, and which stand in the end.

A row is one line, its last cell the time, which no other row has: a line that was cut off is known by its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

UNDO = "undo"
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_AHEAD = timedelta(days=1)
"""A time that is more ahead of the clock was typed by hand, and is not gone on from."""
_ENDS_WITH_TIME = re.compile(rb",\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\r?\Z")


class Answered(Protocol):
    """What a row of a log has."""

    @property
    def path(self) -> str:
        """Of the photo."""

    @property
    def action(self) -> str:
        """What is done with it, or `UNDO`."""

    @property
    def value(self) -> str:
        """Of an undo the `when` of the row that it takes back."""

    @property
    def when(self) -> str:
        """The time, which names the row."""

    @property
    def line(self) -> int:
        """Where it stands in the file, from 1."""


Row = TypeVar("Row", bound=Answered)


class UnknownAnswerError(Exception):
    """A row takes back what is not there; the message begins with its line."""


def cut(data: bytes) -> tuple[bytes, bytes]:
    """Return whole lines, each with its end, and the rest, which a writer that was killed left.

    A last line without its end that has its time is whole: an editor wrote it.
    """
    end = data.rfind(b"\n") + 1
    rest = data[end:]
    if _ENDS_WITH_TIME.search(rest):
        return data + b"\n", b""
    return data[:end], rest


def next_time(times: Sequence[str]) -> str:
    """Return the time of a new row, in UTC: later than that of the row before it, and that of no other.

    Args:
        times: those of the rows so far, in order; what is no time, or far ahead of the clock, is not gone on from.
    """
    now = datetime.now(UTC)
    last = _time(times[-1]) if times else None
    if last is not None and now <= last < now + _AHEAD:
        now = last + timedelta(microseconds=1)
    taken = set(times)
    while (text := now.strftime(_FORMAT)) in taken:
        now += timedelta(microseconds=1)
    return text


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def settled(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that stand: none that was taken back, and of each photo the last one.

    Raises:
        UnknownAnswerError: a row takes back one that is not there, or no more.
    """
    live: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.action != UNDO:
            live.pop((row.path, row.when), None)  # one that was copied stands where it came last
            live[row.path, row.when] = row
        elif live.pop((row.path, row.value), None) is None:
            raise UnknownAnswerError(f"line {row.line} takes back an answer of {row.value}, which is not there")
    return list({row.path: row for row in live.values()}.values())
