"""Photos that are not in files: what tables, lists and datasets in memory say of each, one row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from visionft.data.sources.memory_labels import Number, is_missing, label_text
from visionft.data.sources.parquet_rows import class_names
from visionft.data.sources.structure.split_names import side_of
from visionft.data.sources.table_columns import ONE_CELL, Cells, unread_splits
from visionft.errors import DataError
from visionft.photos import is_one
from visionft.settings import DataSettings
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some

PHOTO = ("path", "image", "photo", "bytes")
"""Columns that hold photos where no other is named."""
TAKEN = "give a DataFrame, an Arrow table, a Dataset, or a list of (photo, label)"
BATCH = 64  # rows of an Arrow table that are Python objects at once


@dataclass(frozen=True)
class MemoryRow:
    """What is said of one photo.

    Attributes:
        photo: a path; or the photo itself, in whatever form; None: there is none.
        label: its class; None: there is none.
        split: as it is called there; None: there is none.
        group: its product; None: there is none.
    """

    photo: Any
    label: str | None
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class MemoryRows:
    """Rows that can be taken once, and which columns they have.

    Attributes:
        rows: one after the other.
        columns: of `split` and `group`, those that are there.
        total: number of rows, where it is known.
        notes: sentences to be said aloud.
    """

    rows: Iterator[MemoryRow]
    columns: tuple[str, ...] = ()
    total: int | None = None
    notes: tuple[str, ...] = ()


def memory_rows(photos: Any, settings: DataSettings, cells: Cells = ONE_CELL) -> MemoryRows:
    """Return the rows of a table, a list or a dataset.

    Args:
        photos: a pandas DataFrame, an Arrow table or what gives one (`__arrow_c_stream__`), a mapping of columns, or of
            splits to such things; a torch `Dataset`, a list or a generator of (photo, label) or of mappings. A photo
            is a path, a file's bytes, a PIL picture, or an array (H, W, 3) of uint8.
        settings: name the columns of photos and labels.
        cells: how a label is said: of several labels it may be a list, `["red", "cotton"]`.

    Raises:
        DataError: it is none of these, or lacks a column; while rows are taken: one cannot be used.
    """
    found = _found(photos, settings, cells)
    return replace(found, rows=_of_one_kind(found.rows))


def _found(photos: Any, settings: DataSettings, cells: Cells) -> MemoryRows:
    if isinstance(photos, Mapping):
        return _of_mapping(photos, settings, cells)
    if type(photos).__module__.partition(".")[0] == "pandas" and hasattr(photos, "columns"):
        return _of_columns([*map(str, photos.columns)], photos.__getitem__, len(photos), settings, cells)
    if isinstance(photos, pa.RecordBatch):
        photos = pa.Table.from_batches([photos])
    if hasattr(photos, "__arrow_c_stream__"):
        return _of_arrow(photos, settings, cells)
    if is_one(photos) and (isinstance(photos, bytes | bytearray | memoryview) or not _by_index(photos)):
        raise DataError(f"photos are given as a {type(photos).__name__}, which is none or one alone; {TAKEN}")
    return _of_items(photos, settings, cells)


def _of_mapping(photos: Mapping[Any, Any], settings: DataSettings, cells: Cells) -> MemoryRows:
    if photos and all(isinstance(name, str) and side_of(name) for name in photos):
        parts = [(name, _found(part, settings, cells)) for name, part in photos.items()]
        rows = chain.from_iterable((replace(row, split=name) for row in part.rows) for name, part in parts)
        total = sum(part.total or 0 for _, part in parts)
        columns = tuple(sorted({"split", *(name for _, part in parts for name in part.columns)}))
        return MemoryRows(rows, columns, total or None, parts[0][1].notes)
    lengths = {name: len(column) for name, column in photos.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns of photos are of different lengths ({lengths}); give one value a photo in each")
    return _of_columns([*map(str, photos)], photos.__getitem__, next(iter(lengths.values()), 0), settings, cells)


def _of_columns(
    names: Sequence[str], column: Callable[[str], Iterable[Any]], total: int, settings: DataSettings, cells: Cells
) -> MemoryRows:
    wanted = _wanted(names, settings)
    given = {ours: iter(column(name)) for ours, name in wanted.items()}
    lines = enumerate(zip(*given.values(), strict=True))
    rows = (_row(dict(zip(given, values, strict=True)), None, at, cells) for at, values in lines)
    return MemoryRows(rows, _extra(wanted), total, unread_splits(Path("the table"), [*names]))


def _of_arrow(photos: Any, settings: DataSettings, cells: Cells) -> MemoryRows:
    reader = photos if isinstance(photos, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(photos)
    schema: pa.Schema = reader.schema
    wanted = _wanted(schema.names, settings)
    named = class_names(schema, wanted["label"])
    total = len(photos) if hasattr(photos, "__len__") else None

    def rows() -> Iterator[MemoryRow]:
        at = 0
        for batch in reader:
            for start in range(0, batch.num_rows, BATCH):
                for values in batch.slice(start, BATCH).select([*wanted.values()]).to_pylist():
                    yield _row({ours: values[name] for ours, name in wanted.items()}, named, at, cells)
                    at += 1

    return MemoryRows(rows(), _extra(wanted), total, unread_splits(Path("the table"), schema.names))


def _of_items(photos: Any, settings: DataSettings, cells: Cells) -> MemoryRows:
    """Read a list, a generator, or a dataset by index: pairs, or mappings as `datasets` has them."""
    items = _taken(photos)
    try:
        first = next(items)
    except StopIteration:
        raise DataError(f"photos are an empty {type(photos).__name__}; {TAKEN}") from None
    wanted = _wanted([*map(str, first)], settings) if isinstance(first, Mapping) else {}
    named = _names_of_classes(photos, wanted.get("label"))
    rows = (_row(_values(item, wanted, at), named, at, cells) for at, item in enumerate(chain([first], items)))
    return MemoryRows(rows, _extra(wanted), len(photos) if hasattr(photos, "__len__") else None)


def _taken(photos: Any) -> Iterator[Any]:
    items = map(photos.__getitem__, range(len(photos))) if _by_index(photos) else iter(photos)
    at = 0
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Exception as error:  # a dataset of the user's own may raise anything
            raise DataError(
                f"row {at} of photos cannot be taken ({type(error).__name__}: {error}); mend it, or leave it out"
            ) from error
        yield item
        at += 1


def _by_index(photos: Any) -> bool:
    return hasattr(photos, "__getitem__") and hasattr(photos, "__len__") and not hasattr(photos, "__array__")


def _names_of_classes(photos: Any, label: str | None) -> Sequence[str] | None:
    """Return the names that a dataset keeps for its numbers: `features` of `datasets`, `classes` of torchvision."""
    features = getattr(photos, "features", None)
    if isinstance(features, Mapping):
        found = features.get(label)
        found = found[0] if isinstance(found, list) and found else getattr(found, "feature", found)
        return getattr(found, "names", None)
    names = getattr(photos, "classes", getattr(getattr(photos, "dataset", None), "classes", None))
    return names if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names) else None


def _values(item: Any, wanted: Mapping[str, str], at: int) -> dict[str, Any]:
    if wanted and isinstance(item, Mapping):
        if missing := [name for name in wanted.values() if name not in item]:
            raise DataError(f"row {at} of photos has no {missing[0]!r} (it has {some(map(str, item))}); give it one")
        return {ours: item[name] for ours, name in wanted.items()}
    if isinstance(item, tuple | list) and len(item) == 2 and not wanted:
        return {"path": item[0], "label": item[1]}
    length = f" of {len(item)}" if isinstance(item, tuple | list) else ""
    raise DataError(f"row {at} of photos is a {type(item).__name__}{length}, not (photo, label); give pairs throughout")


def _wanted(names: Sequence[str], settings: DataSettings) -> dict[str, str]:
    """Return our name -> the table's, for the columns that are read."""
    found = [settings.path_column] if settings.path_column != "path" else [name for name in PHOTO if name in names]
    if len(found) > 1:
        raise DataError(
            f"photos have the columns {some(found)}, and each may hold them; name one with "
            f"data={{'path_column': {found[1]!r}}}, or drop the others"
        )
    columns = {"path": found[0] if found else "path", "label": settings.label_column}
    for ours, name in columns.items():
        if name not in names:
            what = f"the photos ({', '.join(PHOTO)})" if ours == "path" and name == "path" else repr(name)
            raise DataError(
                f"photos have no column of {what}; they have {some(names) or 'none'}{did_you_mean(name, [*names])}: "
                f"rename one, or name another with data={{'{ours}_column': ...}}"
            )
    columns |= {"split": "split"} if "split" in names else {}
    columns |= {"group": "group"} if "group" in names and settings.group_by not in ("none", "parent") else {}
    if repeated := [name for name in columns.values() if list(names).count(name) > 1]:
        raise DataError(f"photos have more than one column {repeated[0]!r}: keep one")
    return columns


def _extra(wanted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in ("split", "group") if name in wanted)


def _row(values: Mapping[str, Any], names: Sequence[str] | None, at: int, cells: Cells) -> MemoryRow:
    photo = None if is_missing(values["path"]) else values["path"]
    texts = {name: label_text(values.get(name), None, name, at) for name in ("split", "group")}
    return MemoryRow(photo, _label(values["label"], names, at, cells), **texts)


def _label(value: Any, names: Sequence[str] | None, at: int, cells: Cells) -> str | None:
    """Return a label as text, those of a list between signs where the task takes several."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        several = sorted(value) if isinstance(value, set | frozenset) else value
        texts = [label_text(each, names, "label", at) for each in several]
        joined = cells.joined([each if isinstance(each, str) else str(each) for each in texts], at)
        if joined is not None:
            return joined
    return label_text(value, names, "label", at)


def _of_one_kind(rows: Iterable[MemoryRow]) -> Iterator[MemoryRow]:
    """Yield the rows; DataError where some labels are text and others numbers, which may mean the same class."""
    seen: dict[bool, tuple[int, str]] = {}
    for at, row in enumerate(rows):
        if row.label is not None:
            seen.setdefault(isinstance(row.label, Number), (at, row.label))
        if len(seen) == 2:
            (text_at, text), (number_at, number) = seen[False], seen[True]
            raise DataError(
                f"the labels of photos are of two kinds, text ({text!r} in row {text_at}) and numbers ({number} in row "
                f"{number_at}); give one of them throughout"
            )
        yield row
