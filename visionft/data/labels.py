"""What the labels of photos are: class names, or whatever else a task learns. Each task brings its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.sources.listing import Listing
from visionft.data.sources.table_columns import Cells
from visionft.settings import DataSettings
from visionft.tasks import registry


class Labels(Protocol):
    """What is made of the label column, a string for each photo."""

    @property
    def cells(self) -> Cells:
        """How the rows of a manifest say it."""
        ...

    @property
    def bounded(self) -> bool:
        """Whether photos can only be measured by classes that the run knows, which then tell how a folder is read."""
        ...

    def require_place(self, photos: Path) -> None:
        """Refuse photos that can bring no such labels, before they are listed; DataError says why."""
        ...

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Return a listing of sound labels, with notes on odd ones.

        Args:
            photos: what the user named.
            listing: what was read.
            known: classes of a run that the photos are only measured with; none: they are to be learnt from.

        Raises:
            DataError: a label can be none.
        """
        ...

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:
        """Return the listing with labels that say the same spelt the same."""
        ...

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:
        """Refuse what a listing alone shows to be unfit to learn from; DataError says why."""
        ...

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse splits that cannot be learnt from; DataError says why."""
        ...

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Refuse labels that a run cannot answer; DataError says why."""
        ...

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return what the labels name that is none of the classes, in order."""
        ...

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw a side (n,) for every photo, so that every split has its share of what the labels tell apart.

        Args:
            table: columns label, group (nullable) and digest of n photos.
            validation: share that is held out to choose by, in (0, 1).
            test: share that is held out to measure on, in [0, 1); the sum is below 1.
            earlier: the splits.csv of an earlier run, whose sides win.
        """
        ...

    def classes(self, table: pa.Table) -> Classes:
        """Return the classes; none where labels are no classes."""
        ...

    def measured(self, table: pa.Table, known: Classes) -> Classes:
        """Return the classes that photos are measured with, of those that a run knows and those of the photos."""
        ...

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return notes on what a split lacks."""
        ...

    def encode(self, labels: pa.ChunkedArray, classes: Classes) -> NDArray[Any]:
        """Return labels (n,) as the network learns them."""
        ...

    def counts(self, table: pa.Table, classes: Classes) -> dict[str, dict[str, int]]:
        """Count the photos: split -> kind of photo -> n, with every split."""
        ...

    def kinds(self, table: pa.Table) -> str:
        """Say how many answers there are: `10 classes`."""
        ...

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return the lines of a summary that show the labels, split by split."""
        ...

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:
        """Return the classes of which no photo is left."""
        ...


def labels_of(task: str) -> Labels:
    """Return what the labels of a task are."""
    found: Labels = registry.part(task, "labels")
    return found
