"""The list of photos that a folder of answers is about: written once, read a part at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from visionft.files.atomic_file import atomic_file
from visionft.photos import Entry, Item, read


@dataclass(frozen=True)
class Listed:
    """What a list is known by.

    Attributes:
        number: of the photos.
        sha256: of their names and absolute paths, in their order; their bytes are not read for it.
    """

    number: int
    sha256: str


class _Counting:
    def __init__(self) -> None:
        self._digest, self._number = hashlib.sha256(), 0

    def columns(self, entries: Iterable[Entry]) -> dict[str, list[Any]]:
        """Return a part of the list by columns, and count it."""
        found: dict[str, list[Any]] = {"name": [], "path": [], "named": [], "refused": []}
        for entry in entries:
            name = entry.name
            # The file is found from any folder, by other processes too.
            path = os.fsencode(os.path.abspath(entry.path)) if entry.refused is None else None  # noqa: PTH100
            for column, value in zip(found.values(), (name, path, entry.named, entry.refused), strict=True):
                column.append(value)
            self._digest.update(b"%s\0%s\0%d\n" % (name.encode(), path or b"", entry.named))
            self._number += 1
        return found

    @property
    def listed(self) -> Listed:
        return Listed(self._number, self._digest.hexdigest())


def listed_of(entries: Iterable[Entry], rows: int) -> Listed:
    """Return what a list of photos is known by, in the memory of `rows` of them."""
    counting, rest = _Counting(), iter(entries)
    while part := list(islice(rest, rows)):
        counting.columns(part)
    return counting.listed


def write_list(path: Path, entries: Iterable[Entry], rows: int) -> Listed:
    """Write a list of photos, `rows` in a row group, in the memory of one group; OSError as the system raises it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("name", pa.string()), ("path", pa.binary()), ("named", pa.bool_()), ("refused", pa.string())])
    counting, rest = _Counting(), iter(entries)
    with atomic_file(path) as file:
        with pq.ParquetWriter(file, schema) as writer:
            while part := list(islice(rest, rows)):
                writer.write_table(pa.table(counting.columns(part), schema), row_group_size=rows)
        return counting.listed


def read_part(path: Path, number: int) -> Iterator[Item]:
    """Yield the photos of one row group, to ask about."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        part = file.read_row_group(number).to_pylist()
    for row in part:
        if row["path"] is None:
            yield Entry(row["name"], row["named"], row["refused"]).item()
        else:
            yield Item(row["name"], partial(read, Path(os.fsdecode(row["path"]))), row["named"])
