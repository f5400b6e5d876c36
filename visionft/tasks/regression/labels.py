"""Labels that are numbers: a column of a manifest, read as float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.sources.listing import Listing
from visionft.data.sources.table_columns import ONE_CELL, Cells
from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import draw
from visionft.errors import DataError
from visionft.photos import printable
from visionft.settings import DataSettings
from visionft.tasks.regression.spec import SPEC
from visionft.wording.lists import count

ONE_KIND = "photos"
"""The one kind of photo that every split should have some of: numbers have no classes."""
LARGEST = float(np.finfo(np.float32).max)


class NumberLabels:
    """Numbers as a computer writes them: 12, 3.5, -1e-3."""

    cells: Cells = ONE_CELL
    bounded: bool = True

    def require_place(self, photos: Path) -> None:
        """Refuse folders, whose names are classes."""
        if photos.is_dir():
            raise DataError(
                f"{photos} is a folder, and the task {SPEC.name} learns a number for each photo: give a CSV or Parquet "
                "manifest with a column of numbers (--data.label-column names it)"
            )

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Refuse what is no number."""
        column = listing.table["label"]
        wrong = [text for text in column.unique().to_pylist() if not _is_number(text)]
        if wrong:
            place = pc.index(column, wrong[0]).as_py()
            hint = " with a point in place of the comma" if _is_number(wrong[0].replace(",", ".")) else ""
            raise DataError(
                f"{photos} gives {printable(listing.table['path'][place].as_py())} the label "
                f"{printable(wrong[0])!r}, which is no finite number: write numbers as 12 or 3.5{hint}, or name "
                "another column with --data.label-column"
            )
        return listing

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Leave numbers as they are."""
        return listing

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:  # noqa: ARG002
        """Refuse labels of which there is nothing to learn."""
        _refuse_constant(photos, listing.table)

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse training photos of which there is nothing to learn."""
        train = table.filter(pc.equal(table["split"], "train"))
        if not train.num_rows:
            raise DataError(f"{photos} has no photo in train: give some, or leave the column 'split' out")
        _refuse_constant(photos, train, " in train")

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Take every number."""

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:  # noqa: ARG002
        """Return none: every number is one."""
        return []

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by hashes, with one label for all: every split should have some photos."""
        one = pa.chunked_array([pa.repeat(ONE_KIND, table.num_rows)])
        alike = table.set_column(table.schema.get_field_index("label"), "label", one)
        return draw(alike, validation, test, earlier)

    def classes(self, table: pa.Table) -> Classes:  # noqa: ARG002
        """Return none."""
        return Classes(())

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return none."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:  # noqa: ARG002
        """Return none: a split lacks no number."""
        return []

    def encode(self, labels: pa.ChunkedArray, classes: Classes) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the numbers (n,) as float32."""
        return np.array([float(text) for text in labels.to_pylist()], np.float32)

    def counts(self, table: pa.Table, classes: Classes) -> dict[str, dict[str, int]]:  # noqa: ARG002
        """Count the photos: split -> `photos` -> n."""
        return {split: {ONE_KIND: int(pc.sum(pc.equal(table["split"], split)).as_py() or 0)} for split in SPLITS}

    def kinds(self, table: pa.Table) -> str:
        """Count the different numbers."""
        return count(len(set(self.encode(table["label"], Classes(())).tolist())), "different number")

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show how the numbers of each split lie."""
        lines = ["  split       photos  lowest  median  highest  mean  standard deviation"]
        for split in SPLITS:
            found = self.encode(table.filter(pc.equal(table["split"], split))["label"], classes).astype(np.float64)
            if len(found):
                low, middle, high = np.quantile(found, [0.0, 0.5, 1.0])
                spread = f"{low:.4g}  {middle:.4g}  {high:.4g}  {found.mean():.4g}  {found.std():.4g}"
                lines.append(f"  {split:10}  {len(found):6,}  {spread}")
        return lines

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:  # noqa: ARG002
        """Return none: there are no classes to lose."""
        return ()


def statistics(labels: NDArray[Any]) -> tuple[float, float]:
    """Return mean and standard deviation (of the population, above 0) of the training labels (n,)."""
    numbers = np.asarray(labels, np.float64)
    return float(numbers.mean()), float(numbers.std())


def _is_number(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and abs(number) <= LARGEST and "_" not in text  # Python reads 1_000, nobody else does


def _refuse_constant(photos: Path, table: pa.Table, where: str = "") -> None:
    numbers = {np.float32(text) for text in table["label"].unique().to_pylist()}
    if len(numbers) < 2:
        raise DataError(
            f"{photos} gives every photo{where} the same number ({numbers.pop():g}): there is nothing to learn from it"
        )


LABELS = NumberLabels()
