"""Labels of several heads: text such as `colour=red|type=shirt` in the table, a row of indices for the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.classes import Classes, normalise
from visionft.data.dataset_errors import refuse_unknown
from visionft.data.odd_classes import refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.structure.picture import picture
from visionft.data.splits import SPLITS
from visionft.data.splitting import iterative_stratification
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.multihead.head_layout import EQUALS, Heads, head_of, named
from visionft.tasks.multihead.label_columns import CELLS
from visionft.tasks.multihead.spec import SPEC
from visionft.wording.lists import count, some

ONE_KIND = "photos"
"""The one kind of photo that is counted: a photo with three labels is one photo."""


class HeadLabels:
    """Names such as `colour=red` in their order as text; each is to be learnt from and, if it can be, measured."""

    cells = CELLS
    bounded = True

    def require_place(self, photos: Path) -> None:
        """Refuse folders, which give each photo one class."""
        if photos.is_dir():
            raise DataError(
                f"{photos} is a folder, and the task {SPEC.name} learns several columns for each photo: give a CSV or "
                "Parquet manifest, and its columns with --data.label-column colour,type"
            )

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Refuse names that would steer a terminal."""
        refuse_unprintable(photos, _names(listing.table))
        return listing

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Leave labels as they are: they are spelt alike when they are read."""
        return listing

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:
        """Refuse a column that was asked for and holds one value or none."""
        found = _by_head(_names(listing.table))
        for head in map(normalise, CELLS.columns(settings.label_column, ())):
            if head not in found:
                raise DataError(
                    f"{photos} has nothing in the column {head!r}: fill it in, or leave it out of --data.label-column"
                )
        for head, own in found.items():
            if len(own) < 2:
                raise DataError(
                    f"{photos} has only {own[0]!r} in the column {head!r}: give at least two values to tell apart, or "
                    "leave it out of --data.label-column"
                )

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse a class without a training photo, and a head without validation photos."""
        every, trained = _names(table), set(_names(_of(table, "train")))
        if untrained := [name for name in every if name not in trained]:
            raise DataError(
                f"{photos} has no training photo of {some(map(repr, untrained))}: add some, or empty "
                f"{'this cell' if len(untrained) == 1 else 'these cells'}"
            )
        held = {head_of(name) for name in _names(_of(table, "validation"))}
        if lacking := sorted({head_of(name) for name in every} - held):
            raise DataError(
                f"{photos} has no validation photo whose {some(map(repr, lacking))} is known, so that there is nothing "
                "to choose by: give more photos, or leave the column out of --data.label-column"
            )

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Refuse a label that a run does not know."""
        refuse_unknown(photos, self.strange(table, classes), classes.names)

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return the labels that are none of the classes."""
        return [name for name in _names(table) if name not in classes]

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by iterative stratification: each has its share of the photos of every class of every head."""
        heads = Heads(_names(table))
        labels, has = _indices(table["label"], heads), np.zeros((table.num_rows, len(heads.classes)), np.bool_)
        rows, columns = np.nonzero(labels >= 0)
        has[rows, labels[rows, columns] + heads.starts[columns]] = True
        return iterative_stratification.draw(table, has, validation, test, earlier)

    def classes(self, table: pa.Table) -> Classes:
        """Return the classes of all heads."""
        return Classes.of(_names(table))

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those that the run knows."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Name the classes that a split lacks."""
        notes = []
        for split in SPLITS[1:]:
            held = _of(table, split)
            there = set(_names(held))
            lacks = [name for name in classes if name not in there]
            if held.num_rows and lacks:
                notes.append(
                    f"{split} lacks {len(lacks):,} of the {count(len(classes), 'class', 'classes')} "
                    f"({some(lacks, 3)}): its figures say nothing about them"
                )
        return notes

    def encode(self, labels: pa.ChunkedArray, classes: Classes) -> NDArray[np.int64]:
        """Return (n, H) places of each head's label among its own classes; -1 where nobody knows."""
        return _indices(labels, Heads(classes.names))

    def counts(self, table: pa.Table, classes: Classes) -> dict[str, dict[str, int]]:  # noqa: ARG002
        """Count the photos: split -> `photos` -> n."""
        return {split: {ONE_KIND: _of(table, split).num_rows} for split in SPLITS}

    def kinds(self, table: pa.Table) -> str:
        """Count heads and classes."""
        heads = Heads(_names(table))
        return f"{count(len(heads.classes), 'class', 'classes')} in {count(len(heads), 'head')}"

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show the classes of each head by splits, and how many labels nobody knows."""
        heads = Heads(classes.names)
        labels = {split: _indices(_of(table, split)["label"], heads) for split in SPLITS}
        lines = list[str]()
        for at, (head, own) in enumerate(zip(heads.names, heads.own, strict=True)):
            counts = {
                split: dict(
                    zip(own, np.bincount(part[:, at][part[:, at] >= 0], minlength=len(own)).tolist(), strict=True)
                )
                for split, part in labels.items()
            }
            unknown = int(sum((part[:, at] < 0).sum() for part in labels.values()))
            told = f"; {count(unknown, 'photo')} of which nobody knows it" if unknown else ""
            lines += [f"{head}: {count(len(own), 'class', 'classes')}{told}", *picture(counts)]
        return lines

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:
        """Return the classes of which no photo is left."""
        return tuple(sorted(set(_names(listed)) - set(_names(left))))


def _names(table: pa.Table) -> list[str]:
    return named(table["label"].unique().to_pylist())


def _by_head(names: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(head_of(name), []).append(name.partition(EQUALS)[2])
    return found


def _indices(labels: pa.ChunkedArray, heads: Heads) -> NDArray[np.int64]:
    """Return (n, H) places of n texts; KeyError where a text names what no head has."""
    coded = pa.chunked_array(labels, pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray) or not len(coded.dictionary):
        return np.zeros((0, len(heads)), np.int64)
    rows = np.array([heads.encode(text) for text in coded.dictionary.to_pylist()], np.int64)
    return np.asarray(rows[coded.indices.to_numpy(zero_copy_only=False)], np.int64)


def _of(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split))


LABELS = HeadLabels()
