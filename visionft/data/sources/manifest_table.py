"""Read a CSV or Parquet manifest: path, label, and optionally split and group. Every row is listed or has a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.sources import parquet_rows
from visionft.data.sources.csv_rows import delimited_names, read_delimited
from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.sources.structure.split_names import is_plain, side_of
from visionft.data.sources.table_columns import ONE_CELL, PLACE, Cells, Named, label_keys
from visionft.data.splits import SPLITS
from visionft.errors import DataError
from visionft.files.manifest_names import PARQUET_SUFFIXES
from visionft.photos import Quarantined, from_spreadsheet_table
from visionft.settings import DataSettings
from visionft.wording.lists import count, some

T = TypeVar("T")
NO_LABEL = "no label in the manifest"
NO_PATH = "no path in the manifest"
REPEATED = "repeats an earlier row of the manifest"
_ELSEWHERE = r"^[A-Za-z][A-Za-z0-9+.-]*://"  # two letters at least: C:/ is a drive


def read_manifest(path: Path, settings: DataSettings, side: str | None = None, cells: Cells = ONE_CELL) -> Listing:
    """List the photos that a manifest names; relative paths start at the manifest's folder.

    A row without a path or a label, or that says again what an earlier one said, is in the listing's quarantine: rows
    and quarantine together are the rows of the file, but for lines of a CSV that hold nothing.

    Args:
        path: The file.
        settings: How to read it.
        side: The split whose rows alone are read; none: all rows are.
        cells: How a row says what its label is.

    Raises:
        DataError: the file cannot be read, lacks a column, or contradicts itself.
    """
    named = _read(path, settings, cells)
    named = _tidied(path, named, settings, cells)
    if side is not None:
        named = Named(named.table.filter(pc.equal(named.table["split"], side)), named.noun, named.notes)
    named, gaps = _without_gaps(named)
    _refuse_addresses(path, named)
    named = Named(_relative(named.table, path.parent), named.noun, named.notes)
    table, repeated = _distinct(path, named)
    if not table.num_rows:
        raise DataError(f"{path} names no photos: give it one row a photo, with its path and label")
    return Listing(path.parent, table.sort_by("path"), (*gaps, *repeated), named.notes)


def column_names(path: Path, settings: DataSettings) -> list[str]:
    """Return the names of all columns of a manifest; DataError where it cannot be read."""
    return _guarded(path, parquet_rows.names if _is_parquet(path) else delimited_names, settings)


def column_values(path: Path, settings: DataSettings, column: str) -> dict[str, str]:
    """Return the values of any column by the photos' paths, as `read_manifest` has them; empty ones are left out.

    Raises:
        DataError: as of `read_manifest`.
    """
    settings = settings.model_copy(update={"label_column": column, "group_by": "none"})
    table = _relative(_tidied(path, _read(path, settings), settings).table, path.parent)
    pairs = zip(table["path"].to_pylist(), table["label"].to_pylist(), strict=True)
    return {photo: value for photo, value in pairs if photo is not None and value is not None}


def column_rows(path: Path, settings: DataSettings, column: str) -> list[tuple[str, str | None]]:
    """Return path and value of any column of every row that has a path, whatever its label; a path stands once.

    Raises:
        DataError: as of `read_manifest`, or a path has two values.
    """
    settings = settings.model_copy(update={"label_column": column, "group_by": "none"})
    named = _tidied(path, _read(path, settings), settings)
    named = Named(named.table.filter(pc.is_valid(named.table["path"])), named.noun, named.notes)
    _refuse_addresses(path, named)
    found: dict[str, str | None] = {}
    table = _relative(named.table, path.parent)
    for photo, value in zip(table["path"].to_pylist(), table["label"].to_pylist(), strict=True):
        if found.setdefault(photo, value) != value:
            values = some(repr(each or "") for each in (found[photo], value))
            raise DataError(f"{path} gives {photo} more than one {column} ({values}): keep one row for each photo")
    return list(found.items())


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in PARQUET_SUFFIXES


def _read(path: Path, settings: DataSettings, cells: Cells = ONE_CELL) -> Named:
    return _guarded(path, parquet_rows.read_parquet if _is_parquet(path) else read_delimited, settings, cells)


def _guarded(
    path: Path, read: Callable[[Path, DataSettings, Cells], T], settings: DataSettings, cells: Cells = ONE_CELL
) -> T:
    """Read a file that may be anything; DataError says what is wrong with it."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise DataError(f"{path} is no file: give a CSV or Parquet manifest, or a folder of class folders")
        return read(path, settings, cells)
    except DataError:
        raise
    except (UnicodeError, *parquet_rows.FAULTS) as error:
        fault = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"the manifest {path} cannot be read ({fault.rstrip('.')}): save it as CSV in UTF-8 or as Parquet"
        ) from error


def _tidied(path: Path, named: Named, settings: DataSettings, cells: Cells = ONE_CELL) -> Named:
    """Return every column of `COLUMNS`, and `PLACE`, spelt as everywhere else."""
    notes = list(named.notes)
    table = named.table
    columns = {name: _trimmed(table[name]) for name in table.column_names if name != PLACE}
    if named.noun == "line":
        written = pa.table(columns)
        read = from_spreadsheet_table(written)
        columns = {name: read[name] for name in columns}
        notes += _apostrophes(path, written, read)
    columns["path"] = pc.replace_substring(columns["path"], "\\", "/")  # written on Windows
    texts = {
        name: pc.utf8_normalize(columns[key], form="NFC")
        for key, name in zip(label_keys(named.labels), named.labels, strict=True)
    }
    columns["label"], said = cells.label(path, named, texts, settings.label_column)
    notes += said
    nothing = pa.nulls(table.num_rows, pa.string())
    if settings.group_by == "parent":
        columns["group"] = _nothing_is_null(pc.replace_substring_regex(columns["path"], r"/?[^/]*$", ""))
    if "split" in columns:
        columns["split"], meant = _splits(path, named, columns["split"])
        notes += meant
    whole = pa.table([columns.get(name, nothing) for name in COLUMNS.names], schema=COLUMNS)
    return Named(whole.append_column(PLACE, table[PLACE]), named.noun, tuple(notes))


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return _nothing_is_null(pc.utf8_trim_whitespace(column))


def _nothing_is_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _apostrophes(path: Path, written: pa.Table, read: pa.Table) -> list[str]:
    """Say where an apostrophe was taken off that stood there for a spreadsheet's sake."""
    changed = sum(pc.sum(pc.not_equal(written[name], read[name])).as_py() or 0 for name in written.column_names)
    if not changed:
        return []
    begin = "begins" if changed == 1 else "begin"
    return [
        f"{count(changed, 'value')} of {path.name} {begin} with an apostrophe before a sign that spreadsheets compute: "
        "it is taken off, as visionft puts it there"
    ]


def _splits(path: Path, named: Named, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, list[str]]:
    """Return our names of the splits, by what a folder of each name would be; a note on every name that is not plain.

    Raises:
        DataError: some rows have no split, or one of another name.
    """
    if column.null_count == len(column):
        return column, []
    if column.null_count:
        first = named.place(pc.index(pc.is_null(column), True).as_py())
        raise DataError(
            f"{path} leaves the split of {count(column.null_count, 'row')} empty ({first} first): fill in all of them "
            "or none"
        )
    sides = {name: side_of(name) for name in sorted(column.unique().to_pylist())}
    unknown = [name for name, side in sides.items() if side is None]
    if unknown:
        first = named.place(pc.index(column, unknown[0]).as_py())
        raise DataError(f"{path} names the split {unknown[0]!r} ({first}): use train, validation (val, valid) or test")
    ours = pa.array(sides.values(), pa.string()).take(pc.index_in(column, value_set=pa.array(sides, pa.string())))
    by_side = [(side, [name for name, its in sides.items() if its == side and not is_plain(name)]) for side in SPLITS]
    return ours, [
        f"the split {some(map(repr, names))} of {path.name} is read as {side}" for side, names in by_side if names
    ]


def _without_gaps(named: Named) -> tuple[Named, tuple[Quarantined, ...]]:
    table = named.table
    gaps = pc.or_(pc.is_null(table["path"]), pc.is_null(table["label"]))
    rows = pc.indices_nonzero(gaps).to_pylist()
    paths = table["path"].take(rows).to_pylist() if rows else []
    quarantine = tuple(
        Quarantined(path or named.place(row), NO_LABEL if path else NO_PATH)
        for row, path in zip(rows, paths, strict=True)
    )
    return Named(table.filter(pc.invert(gaps)), named.noun, named.notes), quarantine


def _refuse_addresses(path: Path, named: Named) -> None:
    found = pc.index(pc.match_substring_regex(named.table["path"], _ELSEWHERE), True).as_py()
    if found >= 0:
        raise DataError(
            f"{path} names {named.table['path'][found].as_py()!r} ({named.place(found)}), which is no path of a file: "
            "copy the photos to a disk of this machine, and give their paths there"
        )


def _relative(table: pa.Table, root: Path) -> pa.Table:
    """Cut the root off absolute paths below it, so that the manifest may move together with its photos."""
    paths = pc.replace_substring_regex(table["path"], r"/(\.?/)+", "/")
    prefix = f"{root.absolute().as_posix().rstrip('/')}/"
    below = pc.starts_with(paths, prefix)
    paths = pc.if_else(below, pc.utf8_slice_codeunits(paths, len(prefix)), paths)
    return table.set_column(0, "path", pc.replace_substring_regex(paths, r"^(\./+)+", ""))


def _distinct(path: Path, named: Named) -> tuple[pa.Table, tuple[Quarantined, ...]]:
    """Keep the first row of each path; a path with two labels, splits or groups is an error."""
    table = named.table
    firsts = table.group_by("path", use_threads=False).aggregate([(PLACE, "min")])
    if firsts.num_rows == table.num_rows:
        return table.select(COLUMNS.names), ()
    first = pc.is_in(table[PLACE], value_set=firsts[f"{PLACE}_min"])
    unique = table.group_by(COLUMNS.names).aggregate([])
    if unique.num_rows > firsts.num_rows:
        raise _contradiction(path, named)
    again = table.filter(pc.invert(first))["path"].to_pylist()
    return table.filter(first).select(COLUMNS.names), tuple(Quarantined(name, REPEATED) for name in again)


def _contradiction(path: Path, named: Named) -> DataError:
    unique = named.table.group_by(COLUMNS.names).aggregate([(PLACE, "min")])
    twice = unique.group_by("path").aggregate([([], "count_all")])
    name = min(twice.filter(pc.greater(twice["count_all"], 1))["path"].to_pylist())
    rows = unique.filter(pc.equal(unique["path"], name)).sort_by(f"{PLACE}_min").to_pylist()
    what = next(column for column in ("label", "split", "group") if len({row[column] for row in rows}) > 1)
    values = some(sorted({repr(row[what]) for row in rows}))
    places = some(f"{row[f'{PLACE}_min']:,}" for row in rows)
    return DataError(
        f"{path} gives {name} more than one {what} ({values}, {named.noun}s {places}): keep one row for each photo"
    )
