"""The manifest: every usable photo with its class, split and product, as Arrow columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from visionft.classes import Classes
from visionft.data.labels import Labels, labels_of
from visionft.data.sources.structure.interpretation import Reading
from visionft.data.splits import SPLITS
from visionft.data.suggestions import Suggestions
from visionft.errors import DataError
from visionft.photos import Account, Quarantined, from_spreadsheet_table, spreadsheet_safe_table
from visionft.tasks.registry import DEFAULT

"""Names that people give to splits, in lower case, and ours."""

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("group", pa.string()),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)


class Column(Sequence[str]):
    """Strings that stay in Arrow memory and become Python objects one at a time."""

    def __init__(self, values: pa.StringArray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Column: ...
    def __getitem__(self, index: int | slice) -> str | Column:
        if isinstance(index, slice):
            return Column(self.values.take(pa.array(range(*index.indices(len(self))), pa.int64())))
        text: str = self.values[index].as_py()
        return text


@dataclass(frozen=True, eq=False)
class Rows:
    """The photos of one split, in order of their paths.

    Attributes:
        paths: (n,) paths relative to the manifest's root.
        labels: (n,) int64 class indices in [0, C), or what else the task learns.
        digests: (n,) SHA-256 of the files' bytes, hexadecimal.
    """

    paths: Column
    labels: NDArray[Any]
    digests: Column

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> Rows:
        """Return the rows at `indices` (m,), in that order."""
        chosen = pa.array(indices, pa.int64())
        return Rows(
            Column(self.paths.values.take(chosen)), self.labels[indices], Column(self.digests.values.take(chosen))
        )


@dataclass(frozen=True, eq=False)
class Manifest:
    """All photos of a run.

    Attributes:
        root: Folder that the paths are relative to.
        table: Columns of `SCHEMA`, in order of `path`; `split` is train, validation or test; `group` may be null.
        classes: The classes, whatever a split lacks; none where labels are no classes.
        quarantine: Files that were left out, with reasons.
        notes: Sentences to be said aloud.
        unchanged: Photos that were not opened this time, as they are what they were at an earlier check.
        by_rows: Whether a table named the photos, so that every row was asked for.
        lost_classes: Classes of which no photo could be used.
        part_of: The fingerprint of the manifest that these photos are a part of; none: they are all.
        reading: How a folder was read; None for a manifest, and for the photos of a run that is reopened.
        task: What is learnt from them.
        suggestions: What was followed of an audit; None: nothing was given.
        drawn_by_class: Whether whole classes were held out when the sides were drawn.
    """

    root: Path
    table: pa.Table
    classes: Classes
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0
    by_rows: bool = False
    lost_classes: tuple[str, ...] = ()
    part_of: str | None = None
    reading: Reading | None = None
    task: str = DEFAULT
    suggestions: Suggestions | None = None
    drawn_by_class: bool = False

    @property
    def labels(self) -> Labels:
        """What the labels are."""
        return labels_of(self.task)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def rows(self, split: str) -> Rows:
        """Return the photos of `train`, `validation` or `test`; there may be none.

        Raises:
            ValueError: no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"no split is called {split!r}: there are {', '.join(SPLITS)}")
        chosen = self.table.filter(pc.equal(self.table["split"], split))
        labels = self.labels.encode(chosen["label"], self.classes)
        return Rows(_column(chosen, "path"), labels, _column(chosen, "digest"))

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the photos: split -> class -> n, with every split and every class, zeros included."""
        return self.labels.counts(self.table, self.classes)

    @property
    def account(self) -> Account:
        """What became of the photos that were asked for, those of all splits together."""
        return Account.of(len(self), self.quarantine, by_rows=self.by_rows, lost_classes=self.lost_classes)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted (path, label, split, group, digest): equal ones mean the same photos and sides."""
        if self.part_of is not None:
            return self.part_of
        total = hashlib.sha256()
        for batch in self.table.sort_by("path").to_batches(max_chunksize=65536):
            columns = [pc.fill_null(batch.column(name), "") for name in ("path", "label", "split", "group", "digest")]
            lines: pa.StringArray = pc.binary_join_element_wise(*columns, "\x1f")
            total.update("".join(f"{line}\x1e" for line in lines.to_pylist()).encode())
        return total.hexdigest()

    def write_splits(self, path: Path) -> None:
        """Write the table as splits.csv, which `read_splits` reads back and `--data.splits` takes."""
        csv.write_csv(spreadsheet_safe_table(self.table.select(SCHEMA.names)), path)


def read_splits(path: Path) -> pa.Table:
    """Read a splits.csv: columns of `SCHEMA`, in order of `path`.

    Raises:
        DataError: the file is missing, is no splits.csv, or names a split that does not exist.
    """
    types = {field.name: field.type for field in SCHEMA}
    # Only what was written without quotes is null: a class may be called "NA".
    options = csv.ConvertOptions(
        column_types=types,
        include_columns=SCHEMA.names,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    try:
        table = csv.read_csv(path, convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=True))
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        fault = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as a splits.csv ({fault}): give the file from an earlier run"
        ) from error
    return _checked(path, from_spreadsheet_table(table))


def _checked(path: Path, table: pa.Table) -> pa.Table:
    unknown = set(table["split"].unique().to_pylist()) - set(SPLITS)
    if unknown:
        raise DataError(f"{path} names the split {min(map(str, unknown))!r}: only {', '.join(SPLITS)} can stand there")
    try:
        return table.cast(SCHEMA).sort_by("path")
    except (ValueError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{path} has rows without a path, label or digest: give the file from an earlier run"
        ) from error


def _column(table: pa.Table, name: str) -> Column:
    values = table[name].combine_chunks()
    return Column(pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values)
