"""Labels that are products: classes whose photos are to be found by one another, in training seen or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.classes import Classes
from visionft.data.class_names import ClassNames
from visionft.data.dataset_errors import refuse_one_class
from visionft.data.odd_classes import refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.structure.picture import picture
from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import draw
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.wording.lists import count


class ProductLabels(ClassNames):
    """Names become indices in their order as text; splits may have products that training lacks."""

    bounded: bool = False

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Refuse names that would steer a terminal."""
        refuse_unprintable(photos, listing.table["label"].unique().to_pylist())
        return listing

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:
        """Refuse a single product, and too few products to hold whole ones out."""
        refuse_one_class(photos, listing.table)
        n = len(listing.table["label"].unique())
        if settings.split_by == "class" and n < 4:
            raise DataError(
                f"{photos} has {count(n, 'class', 'classes')}, and --data.split-by class holds whole ones out: give at "
                "least four, or leave it out"
            )

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse splits in which nothing can be learnt, or nothing can be found."""
        train = table.filter(pc.equal(table["split"], "train"))
        if len(train["label"].unique()) < 2:
            raise DataError(
                f"{photos} has photos of {count(len(train['label'].unique()), 'class', 'classes')} in train: give at "
                "least two to tell apart"
            )
        held = table.filter(pc.equal(table["split"], "validation"))
        if held.num_rows and not findable(held):
            raise DataError(
                f"{photos} has no class with two photos in validation, so that no photo there could find another one: "
                "give more photos, a larger --data.validation, or hold whole classes out (--data.split-by class)"
            )

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Take every product: those that training never saw can be found too."""

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by hashes: every split should have photos of every product, unless whole ones are held out."""
        return draw(table, validation, test, earlier)

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those of the photos."""
        return self.classes(table)

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:  # noqa: ARG002
        """Say of each held-out split which products are new to it, and which have one photo alone."""
        seen = set(table["label"].filter(pc.equal(table["split"], "train")).unique().to_pylist())
        notes = []
        for split in SPLITS[1:]:
            held = table.filter(pc.equal(table["split"], split))
            names, alone = set(held["label"].unique().to_pylist()), held.num_rows - findable(held)
            if names and (new := len(names - seen)):
                notes.append(f"{split}: {new:,} of its {count(len(names), 'class', 'classes')} are not in training")
            if alone:
                notes.append(
                    f"{split}: {count(alone, 'photo')} without another of the same class there: no recall is measured "
                    "of them, and others are searched among them"
                )
        return notes

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show products by splits."""
        return picture(self.counts(table, classes))


def findable(table: pa.Table) -> int:
    """Count the photos whose product has another one in the table."""
    counts = table.group_by("label").aggregate([([], "count_all")])["count_all"].to_numpy()
    return int(counts[counts > 1].sum())


LABELS = ProductLabels()
