"""Which photos are one product's, for one answer a product."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.bundle import Bundle
from visionft.errors import MissingExtraError, UsageError
from visionft.files.manifest_names import is_manifest
from visionft.photos import Item, is_one, items
from visionft.photos.photo_inputs import Exact
from visionft.wording.lists import count
from visionft.workflows.run_or_bundle import holds_bundle

if TYPE_CHECKING:
    from visionft.settings import DataSettings

FLAG, PARENT = "--group-by", "parent"


@dataclass(frozen=True)
class Grouped:
    """Photos with their products.

    Attributes:
        items: (n,) photos to ask about; no file is open yet.
        names: (n,) the product of each.
    """

    items: tuple[Item, ...]
    names: tuple[str, ...]


def grouped(path: Path, asked: Any, group_by: str | Sequence[str]) -> Grouped:
    """Tell the product of every photo that is asked about.

    Args:
        path: of the run or bundle that answers, which says how manifests are read.
        asked: photos as `visionft.predict` takes them; for a column, the manifest that has it.
        group_by: `parent`, a column, or a name for each of the photos.

    Raises:
        UsageError: photos have no folder, there is no such manifest or column, or there are more photos than names.
        DataError: the manifest cannot be read.
        MissingExtraError: a manifest is to be read, and torch is not installed.
    """
    if not isinstance(group_by, str):
        return _named(asked, group_by)
    if group_by == PARENT:
        return _by_folder([asked] if is_one(asked) else list(asked))
    return _by_column(path, asked, group_by)


def _named(asked: Any, names: Sequence[str]) -> Grouped:
    photos = list(items([asked] if is_one(asked) else asked))
    if len(photos) != len(names):
        raise UsageError(
            f"group_by names the products of {count(len(names), 'photo')}, and there are {len(photos):,}: give a name "
            "for each photo, in their order"
        )
    return Grouped(tuple(photos), tuple(map(str, names)))


def _by_folder(places: list[Any]) -> Grouped:
    held = [place for place in places if not isinstance(place, str | os.PathLike)]
    if held:
        raise UsageError(
            f"{FLAG} {PARENT}: a value of type {type(held[0]).__name__} lies in no folder; give paths, or the names of "
            "the products as a list"
        )
    photos = tuple(items(places))
    return Grouped(photos, tuple(os.path.dirname(item.name) or "." for item in photos))  # noqa: PTH120  # as it is shown


def _by_column(path: Path, asked: Any, column: str) -> Grouped:
    places = [asked] if is_one(asked) else list(asked)
    if len(places) != 1 or not isinstance(places[0], str | os.PathLike) or not is_manifest(Path(places[0])):
        raise UsageError(
            f"{FLAG} {column} is a column, and the photos are given by no manifest: give one CSV or Parquet manifest "
            f"that has the column for PHOTOS, or {FLAG} {PARENT} where each product has a folder of its own"
        )
    if find_spec("torch") is None:
        raise MissingExtraError(
            f"{FLAG} {column} reads a manifest as fit does, which needs torch, not installed here: pip install torch, "
            f"or give folders with {FLAG} {PARENT}"
        )
    from visionft.data import product_rows

    manifest = Path(places[0])
    rows = product_rows(manifest, column, _reading(path), FLAG)
    paths = [str(manifest.parent / name) for name, _ in rows]
    photos = tuple(items(Exact(photo) for photo in paths))
    # A photo without a product is one by itself.
    return Grouped(photos, tuple(name or photo for photo, (_, name) in zip(paths, rows, strict=True)))


def _reading(path: Path) -> DataSettings:
    """Return how the run, or that of the bundle, read its photos."""
    if holds_bundle(path):
        from visionft.evaluation import reading_of

        return reading_of(Bundle.open(path))
    from visionft.runs import Run

    return Run.open(path, unfinished=True).settings.data
