"""Labels that are one name a photo, whatever is learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.odd_classes import Place
from visionft.data.sources.listing import Listing
from visionft.data.sources.merged_class_paths import fold
from visionft.data.sources.table_columns import ONE_CELL, Cells
from visionft.data.splits import SPLITS
from visionft.wording.lists import count


class ClassNames:
    """Names become indices in their order as text."""

    cells: Cells = ONE_CELL

    def require_place(self, photos: Path) -> None:
        """Take folders and manifests alike."""

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Rename labels that are known ones but for levels in between; known: none, those of a given train split."""
        if known is None:
            is_train = pc.fill_null(pc.equal(listing.table["split"], "train"), False)
            known = listing.table["label"].filter(is_train).unique().to_pylist()
        table, notes = fold(listing.table, known)
        return replace(listing, table=table).noting(*notes)

    def place(self, listing: Listing) -> Place:
        """Return where the names of a listing stand."""
        reading = listing.reading
        is_one = reading is not None and reading.layout == "classes" and len(reading.parts) == 1
        return Place(listing.root / reading.parts[0].folder if reading and is_one else None, reading is not None)

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return the names that are none of the classes."""
        return [name for name in table["label"].unique().to_pylist() if name not in classes]

    def classes(self, table: pa.Table) -> Classes:
        """Return the distinct names."""
        return Classes.of(table["label"].unique().to_pylist())

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

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:
        """Return the classes of which no photo is left."""
        return tuple(sorted(set(listed["label"].unique().to_pylist()) - set(left["label"].unique().to_pylist())))
