"""Read the rows of a CSV file: one line is one row, and every line is accounted for."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from visionft.data.sources.listing import CHUNK
from visionft.data.sources.table_columns import ONE_CELL, PLACE, Cells, Named, unread_splits, wanted
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.wording.lists import count

DELIMITERS = ",;\t|"  # spreadsheets of countries with a decimal comma write semicolons into a "CSV"
LONGEST = 100_000
"""Characters of a line: more is no row of a path and a label, and a file without ends of lines is not read whole."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes that are not UTF-8 arrive as lone surrogates, other encodings' broken characters as U+FFFD.
_UNREAD = {"utf-8-sig": re.compile("[\udc80-\udcff]"), "utf-16": re.compile("\ufffd"), "utf-32": re.compile("\ufffd")}
_EXCEL = re.compile(r"sep=([,;\t|])\s*")  # its own first line, for what stands between fields


def read_delimited(path: Path, settings: DataSettings, cells: Cells = ONE_CELL) -> Named:
    """Read the rows; empty lines are counted, and whatever is no row is refused by the number of its line.

    Raises:
        DataError: the file cannot be read, a line is no row, or a column is missing.
        OSError: the system does not let it be read.
    """
    encoding = _encoding(path)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    with path.open(encoding=encoding, errors=errors) as file:  # ends of lines of every system become \n
        lines = _Lines(path, file, encoding)
        header, delimiter = _header(path, lines, settings, cells)
        columns = wanted(path, header, settings, cells)
        collected = _Rows(tuple(columns), tuple(header.index(name) for name in columns.values()))
        for record in _records(path, lines, delimiter):
            if any(field and not field.isspace() for field in record):
                collected.add(_whole(path, lines.number, record, len(header), delimiter), lines.number)
            else:
                collected.empty += 1
    notes = [] if encoding == "utf-8-sig" else [f"{path.name} is read as {encoding.upper()}, by its byte order mark"]
    if collected.empty:
        hold = "holds" if collected.empty == 1 else "hold"
        notes.append(f"{count(collected.empty, 'line')} of {path.name} {hold} nothing and are no photos")
    labels = cells.columns(settings.label_column, header)
    return Named(collected.table(), "line", (*notes, *unread_splits(path, header)), labels)


def delimited_names(path: Path, settings: DataSettings, cells: Cells = ONE_CELL) -> list[str]:
    """Return the names of all columns; DataError and OSError as of `read_delimited`."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "replace") as file:
        return _header(path, _Lines(path, file, encoding), settings, cells)[0]


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8-sig")


class _Lines(Iterator[str]):
    """The lines of a file; `number` is that of the last one, from 1."""

    def __init__(self, path: Path, file: TextIO, encoding: str) -> None:
        self.path, self.file, self.number = path, file, 0
        self._unread = _UNREAD[encoding]

    def __next__(self) -> str:
        line = self.file.readline(LONGEST + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST:
            raise self._fault(f"has more than {LONGEST:,} characters: give one row a line, with a path and a label")
        if "\0" in line:
            raise self._fault("holds a NUL character, as files in UTF-16 and binary ones do: save it as CSV in UTF-8")
        if not line.isascii() and self._unread.search(line):
            raise self._fault("cannot be read as text in UTF-8: save it as CSV in UTF-8 or as Parquet")
        return line

    def _fault(self, what: str) -> DataError:
        return DataError(f"line {self.number:,} of the manifest {self.path} {what}")


def _header(path: Path, lines: _Lines, settings: DataSettings, cells: Cells) -> tuple[list[str], str]:
    """Return the names of the columns, and what stands between them."""
    line, delimiters = next((line for line in lines if not line.isspace()), ""), DELIMITERS
    if said := _EXCEL.fullmatch(line):
        line, delimiters = next((line for line in lines if not line.isspace()), ""), said[1]
    if not line:
        raise DataError(f"the manifest {path} cannot be read (it is empty): give it one row a photo, below a header")
    choices = {delimiter: _names(line, delimiter) for delimiter in delimiters}

    def needed(sign: str) -> tuple[str, ...]:
        return settings.path_column, *cells.columns(settings.label_column, choices[sign])

    delimiter = max(choices, key=lambda sign: (sum(name in choices[sign] for name in needed(sign)), len(choices[sign])))
    if not all(choices.values()) and not set(needed(delimiter)) <= set(choices[delimiter]):
        raise _misquoted(path, lines.number)
    return choices[delimiter], delimiter


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(_reader([line], delimiter))]
    except csv.Error:
        return []


def _records(path: Path, lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of each line; DataError where quotes reach beyond a line, or do not enclose a whole field."""
    reader = _reader(lines, delimiter)
    while True:
        before = lines.number
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _misquoted(path, before + 1) from error
        if record is None:
            return
        if lines.number > before + 1:
            raise _misquoted(path, before + 1)
        yield record


def _misquoted(path: Path, number: int) -> DataError:
    return DataError(
        f"line {number:,} of the manifest {path} has a quote that is not closed on that line, or text beside a quoted "
        'field: keep every row on one line, and write a quote inside a field twice ("")'
    )


def _whole(path: Path, number: int, record: list[str], fields: int, delimiter: str) -> list[str]:
    """Return the record; DataError unless it has as many fields as the header, empty ones at its end aside."""
    if len(record) < fields or any(record[fields:]):
        sign = {"\t": "a tab"}.get(delimiter, f"a {delimiter!r}")
        raise DataError(
            f"line {number:,} of the manifest {path} has {count(len(record), 'field')} and the header has {fields}: "
            f"put a value that holds {sign} in quotes"
        )
    return record


class _Rows:
    """Collects the wanted fields into Arrow chunks, so that few of them are Python objects at any time."""

    def __init__(self, names: tuple[str, ...], indices: tuple[int, ...]) -> None:
        self.indices, self.empty = indices, 0
        self._schema = pa.schema([*((name, pa.string()) for name in names), (PLACE, pa.int64())])
        self._rows: list[tuple[str | int, ...]] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, record: list[str], number: int) -> None:
        self._rows.append((*(record[index] for index in self.indices), number))
        if len(self._rows) >= CHUNK:
            self._flush()

    def table(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._batches, self._schema)

    def _flush(self) -> None:
        columns = list(zip(*self._rows, strict=True)) or [()] * len(self._schema)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows.clear()
