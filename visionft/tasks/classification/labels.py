"""Labels that are class names: of folders, or of a manifest's column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.dataset_errors import (
    gap_notes,
    refuse_one_class,
    refuse_products,
    refuse_unknown,
    refuse_untrained,
)
from visionft.data.odd_classes import Place, odd_notes, refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.merged_class_paths import fold
from visionft.data.sources.structure.picture import picture
from visionft.data.sources.table_columns import ONE_CELL, Cells
from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import draw
from visionft.files.manifest_names import is_manifest
from visionft.settings import DataSettings
from visionft.wording.lists import count


class ClassLabels:
    """Names become indices in their order as text; every class is to be learnt from and, if it can be, measured."""

    cells: Cells = ONE_CELL
    bounded: bool = True

    def require_place(self, photos: Path) -> None:
        """Take folders and manifests alike."""

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Refuse names that would steer a terminal, and say which are odd."""
        labels = listing.table["label"].unique().to_pylist()
        refuse_unprintable(photos, labels)
        return listing if known is not None else listing.noting(*odd_notes(_place(listing), labels))

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Rename labels that are known ones but for levels in between; known: none, those of a given train split."""
        if known is None:
            is_train = pc.fill_null(pc.equal(listing.table["split"], "train"), False)
            known = listing.table["label"].filter(is_train).unique().to_pylist()
        table, notes = fold(listing.table, known)
        return replace(listing, table=table).noting(*notes)

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:
        """Refuse products in the place of classes, a single class, and a class without training photos."""
        if not is_manifest(photos):
            refuse_products(photos, listing, settings)
        refuse_one_class(photos, listing.table)
        if listing.table["split"].null_count < listing.table.num_rows:
            refuse_untrained(photos, listing.table)

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse a single class, and a class without training photos."""
        refuse_one_class(photos, table)
        refuse_untrained(photos, table)

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Refuse a class that a run does not know."""
        refuse_unknown(photos, sorted(table["label"].unique().to_pylist()), classes.names)

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return the names that are none of the classes."""
        return [name for name in table["label"].unique().to_pylist() if name not in classes]

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by hashes: every split should have photos of every class."""
        return draw(table, validation, test, earlier)

    def classes(self, table: pa.Table) -> Classes:
        """Return the distinct names."""
        return Classes.of(table["label"].unique().to_pylist())

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those that the run knows."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Name the classes that a split lacks."""
        return gap_notes(table, classes.names)

    def encode(self, labels: pa.ChunkedArray, classes: Classes) -> NDArray[np.int64]:
        """Return indices (n,) in [0, C)."""
        indices = pc.index_in(labels, value_set=pa.array(classes.names, pa.string()))
        return np.asarray(indices.to_numpy(), np.int64)

    def counts(self, table: pa.Table, classes: Classes) -> dict[str, dict[str, int]]:
        """Count the photos: split -> class -> n, with every class, zeros included."""
        found = {split: dict.fromkeys(classes.names, 0) for split in SPLITS}
        for row in table.group_by(["split", "label"]).aggregate([([], "count_all")]).to_pylist():
            found[row["split"]][row["label"]] = row["count_all"]
        return found

    def kinds(self, table: pa.Table) -> str:
        """Count the classes."""
        return count(len(table["label"].unique()), "class", "classes")

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show classes by splits, and the range of training photos."""
        counts = self.counts(table, classes)
        ranged = [_range(counts["train"])] if any(counts["train"].values()) else []
        return [*picture(counts), *ranged]

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:
        """Return the classes of which no photo is left."""
        return tuple(sorted(set(listed["label"].unique().to_pylist()) - set(left["label"].unique().to_pylist())))


def _place(listing: Listing) -> Place:
    reading = listing.reading
    is_one = reading is not None and reading.layout == "classes" and len(reading.parts) == 1
    return Place(listing.root / reading.parts[0].folder if reading and is_one else None, reading is not None)


def _range(train: Mapping[str, int]) -> str:
    smallest, largest = min(train, key=lambda name: train[name]), max(train, key=lambda name: train[name])
    if train[smallest] == train[largest]:
        return f"training photos a class: {train[smallest]:,}"
    return f"training photos a class: {train[smallest]:,} ({smallest}) to {train[largest]:,} ({largest})"


LABELS = ClassLabels()
