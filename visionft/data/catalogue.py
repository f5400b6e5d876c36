"""The photos of a catalogue for an index: with labels or without, and every column that its manifest has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.labels import labels_of
from visionft.data.prepare import list_photos
from visionft.data.sources.listing import CHUNK, COLUMNS, Listing
from visionft.data.sources.manifest_table import column_names, column_values, read_manifest
from visionft.files.manifest_names import is_manifest
from visionft.photos import Quarantined, require_photos
from visionft.settings import DataSettings
from visionft.tasks.registry import DEFAULT

Values = Mapping[str, str]
OF_FOLDERS = ("inside", "layout", "depth", "group_by")
"""Settings that have no effect on photos which lie in no folder: where one is given, folders are asked for."""
UNLABELLED = "the photos lie in no class folders: they have no label"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What an index is made of.

    Attributes:
        listing: the photos; `label` is null where one has none.
        columns: further columns of a manifest by name; each reads its values by path, where a photo has one.
    """

    listing: Listing
    columns: Mapping[str, Callable[[], Values]]

    @property
    def quarantine(self) -> tuple[Quarantined, ...]:
        """What was left out already, with reasons."""
        return self.listing.quarantine

    def rows(self) -> Iterator[tuple[str, str | None, str | None, str | None]]:
        """Yield path, label, split and group of each photo, in order of the paths."""
        for batch in self.listing.table.select(COLUMNS.names).to_batches(CHUNK):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def read_catalogue(photos: Path, settings: DataSettings) -> Catalogue:
    """List the photos of a folder or a manifest; unlike for training, none needs a label.

    Args:
        photos: a folder of class folders or of photos alone, or a CSV/Parquet manifest.
        settings: how they are read.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    if photos.is_dir():
        return Catalogue(_folder(photos, settings), {})
    if not (photos.is_file() and is_manifest(photos)):
        return Catalogue(_labelled(photos, settings), {})  # which says what is wrong
    names = column_names(photos, settings)
    used = {settings.path_column, settings.label_column, "split", "group"}
    further = {
        name: partial(column_values, photos, settings, name) for name in dict.fromkeys(names) if name not in used
    }
    return Catalogue(_manifest(photos, settings, names), further)


def _labelled(photos: Path, settings: DataSettings) -> Listing:
    return labels_of(DEFAULT).fold(list_photos(photos, settings), None)


def _folder(photos: Path, settings: DataSettings) -> Listing:
    inner = [entry for entry in photos.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if inner or any(getattr(settings, name) != getattr(DataSettings(), name) for name in OF_FOLDERS):
        return _labelled(photos, settings)
    places = require_photos(photos)
    found = [place for place in places if isinstance(place, Path)]
    passed = tuple(place for place in places if isinstance(place, Quarantined))
    nothing = pa.nulls(len(found), pa.string())
    paths = pa.array([str(place.relative_to(photos)) for place in found], pa.string())
    table = pa.table([paths, nothing, nothing, nothing], names=COLUMNS.names)
    return Listing(photos, table.sort_by("path"), passed, (UNLABELLED,))


def _manifest(photos: Path, settings: DataSettings, names: list[str]) -> Listing:
    """Return every row that has a path; those without a label stay, and have none."""
    if settings.path_column not in names:
        return _labelled(photos, settings)  # which says so
    every = read_manifest(photos, settings.model_copy(update={"label_column": settings.path_column}))
    if settings.label_column in names:
        labelled = _labelled(photos, settings).table
        labels = labelled["label"].take(pc.index_in(every.table["path"], labelled["path"]))
    else:
        labels = pa.nulls(every.table.num_rows, pa.string())
    table = every.table.set_column(1, "label", labels)
    return Listing(every.root, table, every.quarantine, every.notes)
