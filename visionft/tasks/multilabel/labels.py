"""Labels of which a photo may have several: sets as text in the table, entries 1, 0 and -1 for the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data.dataset_errors import refuse_unknown
from visionft.data.odd_classes import refuse_unprintable
from visionft.data.sources.listing import Listing
from visionft.data.sources.structure.picture import picture
from visionft.data.splits import SPLITS
from visionft.data.splitting import iterative_stratification
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.multilabel.average_precision import measurable
from visionft.tasks.multilabel.label_cells import CELLS
from visionft.tasks.multilabel.label_sets import matrix, parsed
from visionft.tasks.multilabel.spec import SPEC
from visionft.wording.lists import count, some

ONE_KIND = "photos"
"""The one kind of photo that is counted: a photo with three labels is one photo."""


class SetLabels:
    """Names of labels in their order as text; each is to be learnt from photos that are known to have it."""

    cells = CELLS
    bounded = True

    def require_place(self, photos: Path) -> None:
        """Refuse folders, which give each photo one class."""
        if photos.is_dir():
            raise DataError(
                f"{photos} is a folder, and the task {SPEC.name} learns several labels for each photo: give a CSV or "
                "Parquet manifest whose label column holds them as red|cotton (--data.label-column names it, or a "
                "column for each label, as red,cotton)"
            )

    def read(self, photos: Path, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Refuse names that would steer a terminal."""
        refuse_unprintable(photos, _names(listing.table))
        return listing

    def fold(self, listing: Listing, known: Sequence[str] | None) -> Listing:  # noqa: ARG002
        """Leave labels as they are: sets that say the same are spelt the same when they are read."""
        return listing

    def require_early(self, photos: Path, listing: Listing, settings: DataSettings) -> None:  # noqa: ARG002
        """Refuse photos none of which has a label."""
        if not _had(listing.table):
            raise DataError(f"{photos} gives no photo a label: name the column of labels with --data.label-column")

    def require_split(self, photos: Path, table: pa.Table) -> None:
        """Refuse a label without a training photo that has it, and validation photos that can choose nothing."""
        trained = _had(_of(table, "train"))
        untrained = sorted(set(_names(table)) - trained)
        if untrained:
            what = "label" if len(untrained) == 1 else "labels"
            raise DataError(
                f"{photos} has the {what} {some(map(repr, untrained))}, and no photo in train is known to have "
                f"{'it' if len(untrained) == 1 else 'each of them'}: add training photos or remove the {what}"
            )
        held_out = _of(table, "validation")
        if held_out.num_rows and not measurable(matrix(held_out["label"], sorted(trained))).any():
            raise DataError(
                f"{photos} has no label that some validation photos are known to have and others to lack, so that "
                "there is nothing to choose by: give more validation photos"
            )

    def require_known(self, photos: Path, table: pa.Table, classes: Classes) -> None:
        """Refuse a label that a run does not know."""
        refuse_unknown(photos, self.strange(table, classes), classes.names)

    def strange(self, table: pa.Table, classes: Classes) -> list[str]:
        """Return the labels that are none of the classes."""
        return [name for name in _names(table) if name not in classes]

    def draw(self, table: pa.Table, validation: float, test: float, earlier: pa.Table | None) -> pa.ChunkedArray:
        """Draw sides by iterative stratification: each has its share of the photos of every label."""
        has = matrix(table["label"], _names(table)) == 1
        return iterative_stratification.draw(table, has, validation, test, earlier)

    def classes(self, table: pa.Table) -> Classes:
        """Return the labels."""
        return Classes.of(_names(table))

    def measured(self, table: pa.Table, known: Classes) -> Classes:  # noqa: ARG002
        """Return those that the run knows."""
        return known

    def gaps(self, table: pa.Table, classes: Classes) -> list[str]:
        """Name the labels of which a split has photos that have them alone, or that lack them alone."""
        notes = []
        for split in SPLITS:
            held = _of(table, split)
            seen = measurable(matrix(held["label"], classes.names))
            lacks = [name for name, there in zip(classes, seen, strict=True) if not there]
            if held.num_rows and lacks:
                says = "learns nothing of them from features" if split == "train" else "its figures leave them out"
                notes.append(
                    f"{split} has no photos both with and without {len(lacks):,} of the {count(len(classes), 'label')} "
                    f"({some(lacks, 3)}): {says}"
                )
        return notes

    def encode(self, labels: pa.ChunkedArray, classes: Classes) -> NDArray[np.int8]:
        """Return entries (n, C): 1 has the label, 0 lacks it, -1 nobody knows."""
        return matrix(labels, classes.names)

    def counts(self, table: pa.Table, classes: Classes) -> dict[str, dict[str, int]]:  # noqa: ARG002
        """Count the photos: split -> `photos` -> n."""
        return {split: {ONE_KIND: _of(table, split).num_rows} for split in SPLITS}

    def kinds(self, table: pa.Table) -> str:
        """Count the labels."""
        return count(len(_names(table)), "label")

    def picture(self, table: pa.Table, classes: Classes) -> list[str]:
        """Show the photos that have each label by splits, how many labels a photo has, and what nobody knows."""
        entries = {split: matrix(_of(table, split)["label"], classes.names) for split in SPLITS}
        having = {
            split: {name: int(number) for name, number in zip(classes, (part == 1).sum(axis=0), strict=True)}
            for split, part in entries.items()
        }
        whole = np.concatenate(list(entries.values()))
        mean, none = (whole == 1).sum() / max(1, len(whole)), int((~(whole == 1).any(axis=1)).sum())
        unknown = f"; {(whole < 0).mean():.1%} of the entries are unknown" if (whole < 0).any() else ""
        lines = [line.replace("class", "label", 1) if at == 0 else line for at, line in enumerate(picture(having))]
        return [*lines, f"labels a photo: {mean:.2f} on average, none on {none:,}{unknown}"]

    def lost(self, listed: pa.Table, left: pa.Table) -> tuple[str, ...]:
        """Return the labels of which no photo is left."""
        return tuple(sorted(set(_names(listed)) - set(_names(left))))


def _names(table: pa.Table) -> list[str]:
    """Return the labels that are named, those that are unknown among them, in order."""
    return _sorted(found.names for found in parsed(table["label"].unique().to_pylist()).values())


def _had(table: pa.Table) -> set[str]:
    return set(_sorted(found.has for found in parsed(table["label"].unique().to_pylist()).values()))


def _sorted(groups: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for group in groups for name in group})


def _of(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split))


LABELS = SetLabels()
