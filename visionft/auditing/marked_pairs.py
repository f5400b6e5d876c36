"""Pairs that a person has called no duplicates: remembered beside audit.json, and never shown again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from visionft.errors import DataError
from visionft.photos import from_spreadsheet, printable, spreadsheet_safe
from visionft.wording.lists import some

NAME = "not_duplicates.csv"
HEADER = ("first", "second")
Pair = tuple[str, str]


def read_pairs(file: Path, known: Iterable[str] | None = None) -> set[Pair]:
    """Read pairs of paths, each in order; the columns `first` and `second` of a table such as near_duplicates.csv.

    Args:
        file: a CSV file with a header.
        known: paths of the photos; a path that is none of them is refused; none: nothing is asked.

    Raises:
        DataError: it cannot be read, or names a photo that is not there; the line is named.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--not-duplicates: {file} cannot be read ({type(error).__name__}); give a CSV file") from error
    reader = csv.DictReader(StringIO(text, newline=""))
    lacking = [name for name in HEADER if name not in (reader.fieldnames or ())]
    if lacking:
        raise DataError(
            f"--not-duplicates: {file} has no column {some(lacking)}; give rows of near_duplicates.csv with its header"
        )
    names, pairs = None if known is None else set(known), set()
    for row in reader:
        first, second = sorted(from_spreadsheet(row[name] or "") for name in HEADER)
        if names is not None and (unknown := {first, second} - names):
            raise DataError(
                f"--not-duplicates: {file} line {reader.line_num} names {printable(min(unknown))!r}, which PHOTOS does "
                "not have; mend the row, or take it out"
            )
        pairs.add((first, second))
    return pairs


def to_csv(pairs: Iterable[Pair], extra: Sequence[float] = ()) -> str:
    """Return pairs as text; `extra` is the likeness of each, in a third column."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*HEADER, "likeness"] if len(extra) else HEADER)
    for at, pair in enumerate(pairs):
        writer.writerow([*map(spreadsheet_safe, pair), *([f"{extra[at]:.3f}"] if len(extra) else [])])
    return text.getvalue()
