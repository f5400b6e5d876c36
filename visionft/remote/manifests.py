"""Tables whose paths are addresses: the same table with paths below a folder of the cache."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visionft.errors import DataError, UsageError
from visionft.files.manifest_names import PARQUET_SUFFIXES
from visionft.remote.addresses import Address, address_of
from visionft.remote.safe_names import safe_name

Paths = Callable[[str], str]
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def names_addresses(manifest: Path, column: str) -> bool:
    """Tell whether some path in a table is an address; False where the table cannot be read, which its reader says."""
    return any(_address(value) is not None for value in _readable(manifest, column) or ())


def can_be_read(manifest: Path, column: str) -> bool:
    """Tell whether the paths of a table can be had; what is wrong with it, the reader of manifests says."""
    return _readable(manifest, column) is not None


def _readable(manifest: Path, column: str) -> list[str] | None:
    try:
        return paths_of(manifest, column)
    except (DataError, OSError, ValueError, csv.Error):
        return None


def paths_of(manifest: Path, column: str) -> list[str]:
    """Return the paths that a table names, in its order; none where it lacks the column."""
    if _is_parquet(manifest):
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = pq.read_schema(manifest)
        index = names.get_field_index(column)
        if index < 0 or not (
            pa.types.is_string(names.field(index).type) or pa.types.is_large_string(names.field(index).type)
        ):
            return []
        return [value or "" for value in pq.read_table(manifest, columns=[column])[column].to_pylist()]
    header, rows, _ = _table(manifest)
    return [row[header.index(column)] for row in rows if len(row) == len(header)] if column in header else []


def rewrite(manifest: Path, target: Path, column: str, path: Paths) -> None:
    """Write the table again, with another path in each row; its other columns stay.

    Args:
        manifest: the table.
        target: the new one.
        column: that holds the paths.
        path: what to write for a path.
    """
    if _is_parquet(manifest):
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(manifest)
        index = table.column_names.index(column)
        paths = pa.array([path(value) if value else value for value in table[column].to_pylist()], pa.string())
        pq.write_table(table.set_column(index, column, paths), target)
        return
    header, rows, delimiter = _table(manifest)
    index = header.index(column)
    # What is no UTF-8 is written as it was, for the reader of manifests to judge.
    with target.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        for row in rows:
            if len(row) == len(header) and row[index]:
                row[index] = path(row[index])
            writer.writerow(row)


def inside(address: Address) -> str:
    """Return the path below a folder that the file of an address gets: s3/bucket/prefix/photo.jpg."""
    return safe_name(f"{address.scheme}/{address.rest}", str(address))


def absolute(value: str, base: Address | None) -> Address | None:
    """Return the address of a path in a table; relative ones start at the address of the table. None: a file here."""
    found = _address(value.strip())
    if found is not None or base is None:
        return found
    folder = base.rest.rpartition("/")[0]
    return Address(base.scheme, f"{folder}/{safe_name(value.strip(), str(base))}")


def _address(value: str) -> Address | None:
    try:
        return address_of(value.strip())
    except UsageError:  # of another scheme: its reader refuses it by its line
        return None


def _table(manifest: Path) -> tuple[list[str], list[list[str]], str]:
    with manifest.open("rb") as opened:
        encoding = _MARKS.get(opened.read(2), "utf-8-sig")
    with manifest.open(encoding=encoding, newline="", errors="surrogateescape") as file:
        first = file.readline()
        delimiter: Any = max(",;\t|", key=first.count)
        file.seek(0)
        header, *rows = list(csv.reader(file, delimiter=delimiter))
    return [name.strip() for name in header], rows, delimiter


def _is_parquet(manifest: Path) -> bool:
    return manifest.suffix.lower() in PARQUET_SUFFIXES
