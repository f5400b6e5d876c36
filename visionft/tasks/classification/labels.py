"""Labels that are class names: of folders, or of a manifest's column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from visionft.classes import Classes
from visionft.data.class_names import ClassNames
from visionft.data.dataset_errors import (
    gap_notes,
    refuse_one_class,
    refuse_products,
    refuse_unknown,
    refuse_untrained,
)
from visionft.data.odd_classes import odd_notes, refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.structure.picture import picture
from visionft.data.splitting.draw import draw
from visionft.files.manifest_names import is_manifest
from visionft.settings import DataSettings


class ClassLabels(ClassNames):
    """Names become indices in their order as text; every class is to be learnt from and, if it can be, measured."""

    bounded: bool = True

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Refuse names that would steer a terminal, and say which are odd."""
        labels = listing.table["label"].unique().to_pylist()
        refuse_unprintable(photos, labels)
        return listing if known is not None else listing.noting(*odd_notes(self.place(listing), labels))

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

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by hashes: every split should have photos of every class."""
        return draw(table, validation, test, earlier)

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those that the run knows."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Name the classes that a split lacks."""
        return gap_notes(table, classes.names)

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show classes by splits, and the range of training photos."""
        counts = self.counts(table, classes)
        ranged = [_range(counts["train"])] if any(counts["train"].values()) else []
        return [*picture(counts), *ranged]


def _range(train: Mapping[str, int]) -> str:
    smallest, largest = min(train, key=lambda name: train[name]), max(train, key=lambda name: train[name])
    if train[smallest] == train[largest]:
        return f"training photos a class: {train[smallest]:,}"
    return f"training photos a class: {train[smallest]:,} ({smallest}) to {train[largest]:,} ({largest})"


LABELS = ClassLabels()
