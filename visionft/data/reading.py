"""Read a CSV or Parquet manifest: path, label, and optionally split and group."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from visionft.data.listing import COLUMNS, Listing, count, did_you_mean, some
from visionft.data.manifest import SPLIT_NAMES
from visionft.errors import DataError
from visionft.photos import Quarantined
from visionft.settings import DataSettings

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")


def is_manifest(path: Path) -> bool:
    """Tell by its name whether a file is a manifest."""
    return path.suffix.lower() in CSV_SUFFIXES + PARQUET_SUFFIXES


def read_manifest(path: Path, settings: DataSettings) -> Listing:
    """List the photos that a manifest names; relative paths start at the manifest's folder.

    Raises:
        DataError: the file cannot be read, lacks a column, or contradicts itself.
    """
    table = _columns(path, _read(path, settings), settings)
    table, quarantine = _without_gaps(table)
    table = _relative(table, path.parent)
    table, notes = _distinct(path, table)
    if not table.num_rows:
        raise DataError(f"{path} names no photos: give it one row a photo, with its path and label")
    return Listing(path.parent, table.sort_by("path"), quarantine, notes)


def _read(path: Path, settings: DataSettings) -> pa.Table:
    try:
        return _read_parquet(path, settings) if path.suffix.lower() in PARQUET_SUFFIXES else _read_csv(path, settings)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        fault = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"the manifest {path} cannot be read ({fault}): save it as CSV in UTF-8 or as Parquet"
        ) from error


def _read_parquet(path: Path, settings: DataSettings) -> pa.Table:
    names = pq.read_schema(path).names
    wanted = _wanted(path, names, settings)
    return pq.read_table(path, columns=list(dict.fromkeys(wanted.values())))


def _read_csv(path: Path, settings: DataSettings) -> pa.Table:
    parsing = csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True)
    with csv.open_csv(path, parse_options=parsing) as reader:
        names = reader.schema.names
    columns = list(dict.fromkeys(_wanted(path, names, settings).values()))
    options = csv.ConvertOptions(
        include_columns=columns,
        column_types=dict.fromkeys(columns, pa.string()),
        strings_can_be_null=True,
        null_values=[""],  # nothing else: a class may be called "NA"
    )
    return csv.read_csv(path, parse_options=parsing, convert_options=options)


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    # Spreadsheets of countries with a decimal comma write semicolons into a "CSV".
    return max(",;\t", key=header.count)


def _wanted(path: Path, names: list[str], settings: DataSettings) -> dict[str, str]:
    """Return our name -> the manifest's, for the columns that are to be read."""
    wanted = {"path": settings.path_column, "label": settings.label_column}
    for ours, column in wanted.items():
        if column not in names:
            hint = did_you_mean(column, names) or ":"
            raise DataError(
                f"{path} has no column {column!r} (it has {some(names)}){hint} --data.{ours}-column names another"
            )
    if "split" in names:
        wanted["split"] = "split"
    if settings.group_by == "column" and "group" not in names:
        raise DataError(
            f"{path} has no column 'group', which --data.group-by column asks for{did_you_mean('group', names)}"
        )
    if "group" in names and settings.group_by in ("auto", "column"):
        wanted["group"] = "group"
    repeated = [name for name in wanted.values() if names.count(name) > 1]
    if repeated:
        raise DataError(f"{path} has more than one column {repeated[0]!r}: keep one")
    return wanted


def _columns(path: Path, table: pa.Table, settings: DataSettings) -> pa.Table:
    names = _wanted(path, table.column_names, settings)
    columns = {ours: pc.cast(table[column], pa.string()) for ours, column in names.items()}
    columns = {ours: _nothing_is_null(pc.utf8_trim_whitespace(column)) for ours, column in columns.items()}
    columns["path"] = pc.replace_substring(columns["path"], "\\", "/")  # written on Windows
    columns["label"] = pc.utf8_normalize(columns["label"], form="NFC")
    nothing = pa.nulls(table.num_rows, pa.string())
    if settings.group_by == "parent":
        columns["group"] = _nothing_is_null(pc.replace_substring_regex(columns["path"], r"/?[^/]*$", ""))
    columns["split"] = _splits(path, columns["split"]) if "split" in columns else nothing
    return pa.table([columns.get(name, nothing) for name in COLUMNS.names], schema=COLUMNS)


def _nothing_is_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _splits(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = pc.utf8_lower(column)
    if column.null_count == len(column):
        return column
    if column.null_count:
        raise DataError(
            f"{path} leaves the split of {count(column.null_count, 'row')} empty: fill in all of them or none"
        )
    unknown = sorted(set(column.unique().to_pylist()) - set(SPLIT_NAMES))
    if unknown:
        raise DataError(f"{path} names the split {unknown[0]!r}: use train, validation (val, valid) or test")
    known = pa.array(SPLIT_NAMES, pa.string())
    return pa.array(SPLIT_NAMES.values(), pa.string()).take(pc.index_in(column, value_set=known))


def _without_gaps(table: pa.Table) -> tuple[pa.Table, tuple[Quarantined, ...]]:
    gaps = pc.or_(pc.is_null(table["path"]), pc.is_null(table["label"]))
    rows = pc.indices_nonzero(gaps).to_pylist()
    paths = table["path"].take(rows).to_pylist() if rows else []
    quarantine = tuple(
        Quarantined(path or f"row {row + 1}", "no label in the manifest" if path else "no path in the manifest")
        for row, path in zip(rows, paths, strict=True)
    )
    return table.filter(pc.invert(gaps)), quarantine


def _relative(table: pa.Table, root: Path) -> pa.Table:
    """Cut the root off absolute paths below it, so that the manifest may move together with its photos."""
    paths = table["path"]
    prefix = f"{root.absolute().as_posix().rstrip('/')}/"
    below = pc.starts_with(paths, prefix)
    paths = pc.if_else(below, pc.utf8_slice_codeunits(paths, len(prefix)), paths)
    return table.set_column(0, "path", pc.replace_substring_regex(paths, r"^(\./+)+", ""))


def _distinct(path: Path, table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """Keep one row a path; a path with two labels, splits or groups is an error."""
    unique = table.group_by(COLUMNS.names).aggregate([]).select(COLUMNS.names)
    twice = unique.group_by("path").aggregate([([], "count_all")])
    twice = twice.filter(pc.greater(twice["count_all"], 1))
    if twice.num_rows:
        name = min(twice["path"].to_pylist())
        rows = unique.filter(pc.equal(unique["path"], name)).to_pylist()
        what = next(column for column in ("label", "split", "group") if len({row[column] for row in rows}) > 1)
        values = some(sorted(repr(row[what]) for row in rows))
        raise DataError(f"{path} gives {name} more than one {what} ({values}): keep one row for each photo")
    repeated = table.num_rows - unique.num_rows
    again = "repeats an earlier one and is" if repeated == 1 else "repeat earlier ones and are"
    return unique, (f"{count(repeated, 'row')} of {path.name} {again} left out",) if repeated else ()
