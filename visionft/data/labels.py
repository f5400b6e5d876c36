"""What the labels of photos are: class names, or whatever else a task learns. Each task brings its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.sources.listing import Listing
from visionft.settings import DataSettings
from visionft.tasks import registry


class Labels(Protocol):
    """What is made of the label column, a string for each photo."""

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

    def strata(self, table: pa.Table) -> pa.Table:
        """Return the table with a label for each kind of photo of which every split should have some."""
        ...

    def classes(self, table: pa.Table) -> Classes:
        """Return the classes; none where labels are no classes."""
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
