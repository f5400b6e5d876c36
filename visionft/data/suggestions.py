"""What an audit suggests, or people answered, to do with photos: a table that `fit --apply` follows.

No photo is touched. A table with the column `when` is a log of answers (`visionft review`): rows are only ever added, a
later one stands above an earlier one, and `undo` takes one back.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from visionft.data.answer_log import UNDO, UnknownAnswerError, cut, settled
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.photos import Quarantined, from_spreadsheet, printable, spreadsheet_safe
from visionft.wording.lists import count, some

HEADER = ("path", "action", "value", "reason", "confidence")
SIGNED = (*HEADER, "who", "when")
"""The columns of a log of answers."""
ACTIONS = {
    "drop": "the photo is left out",
    "keep-one": "the photo is left out, as the one in `value` is nearly the same and stays",
    "relabel": "its class becomes `value`",
    "confirm": "its class is `value`, as a person saw",
    "group": "photos of one `value` stay on one side where sides are drawn",
    "review": "nothing is done: a person has to look",
}
"""What a row may ask for; a row of a log may also be an `undo`, whose value is the `when` of the row it takes back."""
_NEEDS_VALUE = ("keep-one", "relabel", "confirm", "group", UNDO)
_GIVES_CLASS = ("relabel", "confirm")


@dataclass(frozen=True)
class Suggestion:
    """One row of suggestions.csv.

    Attributes:
        path: of the photo, as in splits.csv.
        action: one of `ACTIONS`.
        value: the class, the photo that is kept, or the name of the group; empty for the others.
        reason: why, for people.
        confidence: how sure, in [0, 1].
        line: where it stands in the file, from 1; 0: in none.
        who: answered so; empty: no person.
        when: UTC, as ISO 8601 with microseconds; empty: no person.
    """

    path: str
    action: str
    value: str = ""
    reason: str = ""
    confidence: float = 1.0
    line: int = 0
    who: str = ""
    when: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict, as a row of the table has it."""
        return {name: getattr(self, name) for name in HEADER}


@dataclass(frozen=True)
class Suggestions:
    """A whole file of them.

    Attributes:
        path: the file.
        sha256: of its bytes, hexadecimal; of a log without a last line that was cut off.
        rows: in order of the file; of a log those that stand, one a photo.
        torn: whether the last line of a log was cut off, and is left out.
    """

    path: Path
    sha256: str
    rows: tuple[Suggestion, ...]
    torn: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what a run records of them."""
        return {
            "file": str(self.path.absolute()),
            "sha256": self.sha256,
            "applied": dict(sorted(Counter(row.action for row in self.rows).items())),
        }

    def __str__(self) -> str:
        done = Counter(row.action for row in self.rows)
        words = [f"{number:,} {action}" for action, number in done.items() if action != "review"]
        looked = f"; {done['review']:,} to review, which changes nothing" if done["review"] else ""
        torn = "; its last line is cut off and left out" if self.torn else ""
        return f"following {self.path}: {some(words) if words else 'it asks for no change'}{looked}{torn}"


def to_csv(suggestions: Iterable[Suggestion]) -> str:
    """Return the table as text, with a header; `read_suggestions` reads it back."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in suggestions:
        cells = (spreadsheet_safe(str(cell)) for cell in (row.path, row.action, row.value, row.reason))
        writer.writerow([*cells, f"{row.confidence:.3f}"])
    return text.getvalue()


def read_suggestions(path: Path) -> Suggestions:
    """Read a table of suggestions, or a log of answers: the columns path and action at least, in any order.

    Raises:
        DataError: it cannot be read, or a row asks for something unknown; the line is named.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
        raise DataError(f"--apply: {path} cannot be read ({why}); give {_KIND}") from error
    columns = next(csv.reader(StringIO(text, newline="")), [])
    lacking = [name for name in ("path", "action") if name not in columns]
    if lacking:
        raise DataError(f"--apply: {path} has no column {some(lacking)}; give {_KIND}")
    if "when" not in columns:
        rows = rows_of(path, text)
        _refuse_twice(path, rows)
        return Suggestions(path, hashlib.sha256(data).hexdigest(), rows)
    whole, torn = cut(data)
    rows = rows_of(path, whole.decode("utf-8-sig"))
    try:
        return Suggestions(path, hashlib.sha256(whole).hexdigest(), tuple(settled(rows)), bool(torn))
    except UnknownAnswerError as error:
        raise DataError(f"--apply: {path} {error}; take the row out") from error


_KIND = "the suggestions.csv of `visionft audit`, or the corrections.csv of `visionft review`"


def rows_of(path: Path, text: str, lines_before: int = 0) -> tuple[Suggestion, ...]:
    """Return every row of a table with its header, in order.

    Args:
        path: of the file, for sentences.
        text: the header and rows.
        lines_before: of the file that are not in `text`, between the header and the first row.

    Raises:
        DataError: a row cannot be read, or asks for something unknown; the line is named.
    """
    reader = csv.DictReader(StringIO(text, newline=""))
    try:
        return tuple(_row(path, row, reader.line_num + lines_before) for row in reader)
    except csv.Error as error:
        line = reader.line_num + lines_before
        raise DataError(f"--apply: {path} line {line} cannot be read ({error}); mend it") from error


def _row(file: Path, row: dict[str, str | None], line: int) -> Suggestion:
    cells = {name: from_spreadsheet(row.get(name) or "") for name in SIGNED}
    if cells["action"] not in ACTIONS and not (cells["action"] == UNDO and cells["when"]):
        raise DataError(
            f"--apply: {file} line {line} asks for {printable(cells['action'])!r}; give one of {some(ACTIONS)}"
        )
    if cells["action"] in _NEEDS_VALUE and not cells["value"]:
        raise DataError(
            f"--apply: {file} line {line} has no value, which {cells['action']} needs; give it, or drop the row"
        )
    return Suggestion(
        cells["path"], cells["action"], cells["value"], cells["reason"],
        line=line, who=cells["who"], when=cells["when"],
    )  # fmt: skip


def _refuse_twice(file: Path, rows: Sequence[Suggestion]) -> None:
    first: dict[str, Suggestion] = {}
    for row in (row for row in rows if row.action not in ("review", "group")):
        other = first.setdefault(row.path, row)
        if (other.action, other.value) != (row.action, row.value):
            raise DataError(
                f"--apply: {file} asks for {other.action} in line {other.line} and for {row.action} in line {row.line} "
                f"of {printable(row.path)}; keep one of the rows"
            )


def apply_suggestions(listing: Listing, suggestions: Suggestions) -> Listing:
    """Return the listing as the suggestions have it: photos set aside with the reason, others with another class.

    Raises:
        DataError: a row names a photo that is not there, or a class that no photo has; the line is named.
    """
    table, file = listing.table, suggestions.path
    paths, labels = table["path"].to_pylist(), table["label"].to_pylist()
    place = {path: at for at, path in enumerate(paths)}
    passed = {item.path for item in listing.quarantine}
    _refuse_unknown(suggestions, place, passed, set(labels))
    groups, dropped = table["group"].to_pylist(), {}
    gone = {row.path for row in suggestions.rows if row.action in ("drop", "keep-one")}
    for row in (row for row in suggestions.rows if row.path in place):
        if row.action in _GIVES_CLASS:
            labels[place[row.path]] = row.value
        elif row.action == "group":
            groups[place[row.path]] = row.value
        elif row.action == "drop" or (row.action == "keep-one" and row.value not in gone):
            dropped[row.path] = f"left out by {file.name}: {row.reason.partition(':')[0] or row.action}"
        elif row.action == "keep-one":
            raise DataError(
                f"--apply: {file} line {row.line} leaves {printable(row.path)} out for {printable(row.value)}, which "
                "is left out too; keep one of them"
            )
    columns = {"label": pa.array(labels, pa.string()), "group": pa.array(groups, pa.string())}
    changed = pa.table({name: columns.get(name, table[name]) for name in table.column_names})
    kept = changed.filter(pa.array([path not in dropped for path in paths], pa.bool_()))
    aside = (Quarantined(printable(path), why) for path, why in sorted(dropped.items()))
    return replace(listing, table=kept, quarantine=(*listing.quarantine, *aside))


def _refuse_unknown(suggestions: Suggestions, place: dict[str, int], passed: set[str], labels: set[str]) -> None:
    file = suggestions.path
    unknown = [row for row in suggestions.rows if row.path not in place and printable(row.path) not in passed]
    if unknown:
        lines = some([f"line {row.line} ({printable(row.path)})" for row in unknown], 3)
        raise DataError(
            f"--apply: {file} names {count(len(unknown), 'photo')} that PHOTOS does not have: {lines}; audit the "
            "photos again, or take these rows out"
        )
    for row in suggestions.rows:
        if row.action in _GIVES_CLASS and row.value not in labels:
            raise DataError(
                f"--apply: {file} line {row.line} gives the class {row.value!r}, which no photo has; give one of "
                f"{some(sorted(labels))}"
            )
        if row.action == "keep-one" and row.value not in place:
            raise DataError(
                f"--apply: {file} line {row.line} keeps {printable(row.value)}, which PHOTOS does not have; audit the "
                "photos again, or take the row out"
            )
