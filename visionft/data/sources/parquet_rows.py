"""Read the rows of a Parquet file: plain columns, categories, and the structs and class labels of `datasets`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from visionft.data.sources.table_columns import ONE_CELL, PLACE, Cells, Named, unread_splits, wanted
from visionft.errors import DataError
from visionft.settings import DataSettings

HUGGINGFACE = b"huggingface"
"""Key of a schema's metadata under which `datasets` keeps the names of classes, as JSON."""
EXACT = float(1 << 53)  # above it not every whole number has a float of its own
FAULTS = (OSError, ValueError, KeyError, RecursionError, pa.ArrowException)
"""What Arrow raises of files that are damaged, encrypted or no Parquet; ArrowInvalid is a ValueError."""


def read_parquet(path: Path, settings: DataSettings, cells: Cells = ONE_CELL) -> Named:
    """Read the rows as text.

    Whole floating-point numbers become whole numbers, NaN is no value, and the indices of a `ClassLabel` its names.

    Raises:
        DataError: a column is missing, or holds neither text nor numbers.
        OSError, ValueError, KeyError, ArrowException: it is no Parquet file, or a damaged or encrypted one (`FAULTS`).
    """
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        columns = wanted(path, schema.names, settings, cells)
        texts, notes = {}, list(unread_splits(path, schema.names))
        for ours, name in columns.items():
            column = _Column(path, file, name)
            if ours == "path":
                texts[ours] = column.photos()
            else:
                texts[ours] = column.label(cells) if ours.startswith("label") else column.text()
            notes += column.notes
    table = pa.table(texts)
    table.validate(full=True)
    places = pa.array(range(1, table.num_rows + 1), pa.int64())
    labels = cells.columns(settings.label_column, schema.names)
    return Named(table.append_column(PLACE, places), "row", tuple(dict.fromkeys(notes)), labels)


def names(path: Path, _: DataSettings, __: Cells = ONE_CELL) -> list[str]:
    """Return the names of all columns; faults as of `read_parquet`."""
    with pq.ParquetFile(path) as file:
        return list(file.schema_arrow.names)


class _Column:
    """One column of a file, on its way to text."""

    def __init__(self, path: Path, file: pq.ParquetFile, name: str) -> None:
        self.path, self.file, self.name = path, file, name
        self.type: pa.DataType = file.schema_arrow.field(name).type
        self.notes: list[str] = []

    def photos(self) -> pa.ChunkedArray:
        """Return paths; of the struct {bytes, path} that `datasets` writes, its paths."""
        if not pa.types.is_struct(self.type):
            return self.text()
        fields = [field.name for field in self.type]
        if "path" not in fields:
            raise self._unreadable()
        paths = self._of_struct("path")
        if "bytes" in fields and self._holds_photos(paths):
            raise DataError(
                f"the column {self.name!r} of {self.path} holds the photos themselves, as bytes: write each into a "
                "file, and give a table with their paths"
            )
        return paths

    def _of_struct(self, field: str) -> pa.ChunkedArray:
        column = self.file.read(columns=[f"{self.name}.{field}"])[self.name]
        return self._as_text(pc.struct_field(column, field))

    def _holds_photos(self, paths: pa.ChunkedArray) -> bool:
        """Tell whether bytes stand in the place of files, by the first row that has bytes."""
        batches = self.file.iter_batches(batch_size=16, columns=[f"{self.name}.bytes"])
        row = next(_first_with_bytes(batches), None)
        if row is None:
            return False
        there = paths[row].as_py()
        if there and os.path.exists(self.path.parent / there):  # noqa: PTH110  # never raises
            self.notes.append(f"the photos inside {self.path.name} are not used: those at its paths are")
            return False
        return True

    def label(self, cells: Cells) -> pa.ChunkedArray:
        """Return the labels as strings, those of lists among them where a label may be one."""
        if pa.types.is_list(self.type) or pa.types.is_large_list(self.type):
            found = cells.listed(self.path, self.name, self._lists())
            if found is not None:
                return found
        return self.text()

    def _lists(self) -> pa.ChunkedArray:
        """Return the lists, numbers of classes by the names that `datasets` kept for them."""
        column = self.file.read(columns=[self.name])[self.name]
        names = class_names(self.file.schema_arrow, self.name)
        if names is None or not pa.types.is_integer(self.type.value_type):
            return column
        rows = column.to_pylist()
        outside = [number for row in rows if row for number in row if number is None or not 0 <= number < len(names)]
        if outside:
            raise DataError(
                f"the column {self.name!r} of {self.path} has the class {outside[0]} in a list, and names for 0 to "
                f"{len(names) - 1} alone: write it with the names of all classes"
            )
        self.notes.append(f"the classes of {self.path.name} have the names that `datasets` kept with it")
        named = [None if row is None else [names[number] for number in row] for row in rows]
        return pa.chunked_array([pa.array(named, pa.list_(pa.string()))])

    def text(self) -> pa.ChunkedArray:
        """Return the values as strings; null where there is none."""
        if pa.types.is_nested(self.type):
            raise self._unreadable()
        if _is_bytes(self.type):  # photos, most likely: a few rows show it, and all would fill the memory
            for batch in self.file.iter_batches(batch_size=16, columns=[self.name]):
                self._as_text(pa.chunked_array([batch.column(0)]))
                break
        return self._as_text(self.file.read(columns=[self.name])[self.name])

    def _as_text(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_nested(column.type):
            raise self._unreadable()
        names = class_names(self.file.schema_arrow, self.name)
        if names is not None and pa.types.is_integer(column.type):
            return self._named(column, names)
        if pa.types.is_floating(column.type):
            column = self._whole(column)
        try:
            return column.cast(pa.string())
        except pa.ArrowException as error:
            raise self._unreadable() from error

    def _whole(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return floating-point numbers without NaN and infinity, as whole numbers where all of them are."""
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
        if not pc.all(pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), EXACT)), min_count=0).as_py():
            return column
        if column.null_count < len(column):
            self.notes.append(
                f"the column {self.name!r} of {self.path.name} has floating-point numbers, all whole: 1.0 is read as 1"
            )
        return column.cast(pa.int64())

    def _named(self, column: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
        column = column.cast(pa.int64())
        column = pc.if_else(pc.equal(column, -1), pa.scalar(None, pa.int64()), column)  # its word for no label
        outside = column.filter(pc.or_(pc.less(column, 0), pc.greater_equal(column, len(names))))
        if len(outside.drop_null()):
            raise DataError(
                f"the column {self.name!r} of {self.path} has the class {outside.drop_null()[0]}, and names for 0 to "
                f"{len(names) - 1} alone: write it with the names of all classes"
            )
        self.notes.append(f"the classes of {self.path.name} have the names that `datasets` kept with it")
        return pa.chunked_array([pa.array(names, pa.string())]).take(column)

    def _unreadable(self) -> DataError:
        return DataError(
            f"the column {self.name!r} of {self.path} holds {_kind(self.type)}, neither text nor numbers: name one "
            "with --data.path-column or --data.label-column that has a path or a label in each row"
        )


def class_names(schema: pa.Schema, name: str) -> list[str] | None:
    """Return the names that `datasets` keeps in a schema for the integers of a `ClassLabel`, or for lists of them."""
    kept = (schema.metadata or {}).get(HUGGINGFACE)
    try:
        feature: Any = json.loads(kept or b"{}")["info"]["features"][name]
        feature = feature[0] if isinstance(feature, list) else feature.get("feature", feature)  # of lists, by versions
        names = feature["names"] if feature["_type"] == "ClassLabel" else None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _first_with_bytes(batches: Iterator[pa.RecordBatch]) -> Iterator[int]:
    """Yield the rows that have bytes."""
    start = 0
    for batch in batches:
        valid = pc.is_valid(pc.struct_field(batch.column(0), "bytes"))
        yield from (start + int(row) for row in pc.indices_nonzero(valid).to_pylist())
        start += batch.num_rows


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _kind(kind: pa.DataType) -> str:
    name = str(kind)
    return name if len(name) <= 60 else f"{name[:60]}..."
