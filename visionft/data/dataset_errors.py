"""What makes a set of photos unfit to train on, one sentence each."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.odd_classes import Place, other_task
from visionft.data.sources.listing import Listing
from visionft.data.splits import SPLITS
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import count, some

# A tree with a folder a product has hundreds of folders with a handful of views each; real classes are fewer or fuller.
SKU_CLASSES = 100
SKU_PHOTOS = 10
MAX_DEPTH = 8  # the largest --data.depth


def refuse_shares(settings: DataSettings) -> None:
    """Raise DataError where the shares leave nothing to train on or to choose by."""
    if settings.validation + settings.test >= 1:
        given = f"--data.validation {settings.validation:g} and --data.test {settings.test:g}"
        raise DataError(f"{given} leave no photo to train on: their sum must be below 1")
    if settings.validation <= 0:
        raise DataError(
            "--data.validation 0 leaves no photo to choose by: give a share above 0, or photos with a validation split"
        )


def refuse_products(photos: Path, listing: Listing, settings: DataSettings) -> None:
    """Raise DataError where the class folders look like products, unless depth or grouping say what they are."""
    taken = listing.reading is None or listing.reading.group_by == "parent"
    if taken or settings.depth != "auto" or settings.group_by != "auto":
        return
    counted = pc.value_counts(listing.table["label"]).field("counts").to_numpy()
    median = float(np.median(counted))
    if len(counted) < SKU_CLASSES or median >= SKU_PHOTOS:
        return
    levels = int(pc.max(pc.count_substring(listing.table["label"], "/")).as_py()) + 1
    mend = "add --data.depth 1 --data.group-by parent" if levels > 1 else "put them into a folder for each class"
    raise DataError(
        f"{photos} has {len(counted):,} folders of about {count(math.ceil(median), 'photo')} each, which look like "
        f"products (SKUs) rather than classes: if they are, {mend}; if they are the "
        f"classes, add --data.depth {min(levels, MAX_DEPTH)}"
    )


def refuse_given_splits(photos: Path, given: set[str], settings: DataSettings) -> None:
    """Raise DataError where whole classes should be held out, and the photos bring splits of their own."""
    if given and settings.split_by == "class":
        raise DataError(
            f"{photos} brings splits of its own ({some(sorted(given))}), and --data.split-by class would draw none: "
            "leave it out, or give a manifest without a column 'split'"
        )


def refuse_torn(names: list[str]) -> None:
    """Raise DataError where whole classes should be held out, and an earlier run has some in several splits."""
    if names:
        what = "class" if len(names) == 1 else "classes"
        raise DataError(
            f"the earlier splits have photos of the {what} {some(map(repr, names))} in several of train, validation "
            "and test, and --data.split-by class holds whole classes out: leave it out, start without the earlier "
            "run, or give a manifest with a column 'split'"
        )


def refuse_one_class(photos: Path, table: pa.Table) -> None:
    """Raise DataError where there are fewer than two classes."""
    labels = table["label"].unique().to_pylist()
    if len(labels) < 2:
        raise DataError(
            f"{photos} has photos of only one class, {labels[0]!r}: give at least two classes to tell apart"
        )


def refuse_untrained(photos: Path, table: pa.Table) -> None:
    """Raise DataError where a class has photos, but none to train on."""
    trained = pc.unique(table["label"].filter(pc.equal(table["split"], "train")))
    lacking = table.filter(pc.invert(pc.is_in(table["label"], value_set=trained)))
    if lacking.num_rows:
        names = sorted(lacking["label"].unique().to_pylist())
        where = some([split for split in SPLITS if split in lacking["split"].unique().to_pylist()])
        what = "class" if len(names) == 1 else "classes"
        raise DataError(
            f"{photos} has photos of {what} {some(map(repr, names))} in {where}, but none in "
            f"train{did_you_mean(names[0], trained.to_pylist())}: add training photos or remove the {what}"
        )


def refuse_unvalidated(photos: Path, table: pa.Table) -> None:
    """Raise DataError where nothing is left to choose by."""
    if not pc.any(pc.equal(table["split"], "validation")).as_py():
        raise DataError(
            f"{photos} has only one photo or product for each class, so that none is left to choose by: "
            f"give every class at least two, better twenty{_other_task(photos, table)}"
        )


def _other_task(photos: Path, table: pa.Table) -> str:
    place = Place(None, in_folders=not photos.is_file())
    return "".join(f"; {words}" for words in other_task(place, table["label"].unique().to_pylist()))


def refuse_unknown(photos: Path, names: list[str], known: tuple[str, ...]) -> None:
    """Raise DataError where labels are not among the run's classes."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        what = "class" if len(unknown) == 1 else "classes"
        several = len(unknown) > 1
        kind = ("folders" if several else "folder") if photos.is_dir() else ("labels" if several else "label")
        mend = f"rename the {kind}" if photos.is_dir() else f"mend the {kind}"
        raise DataError(
            f"{photos} has the {what} {some(map(repr, unknown))}, unknown to the run with its "
            f"{count(len(known), 'class', 'classes')}{did_you_mean(unknown[0], known)}: {mend}, or train "
            f"a run that knows {'them' if several else 'it'} with visionft fit {photos}"
        )


def gap_notes(table: pa.Table, classes: tuple[str, ...]) -> list[str]:
    """Return a note for each split that has photos but lacks classes."""
    notes = []
    for split in SPLITS[1:]:
        held = set(table["label"].filter(pc.equal(table["split"], split)).unique().to_pylist())
        lacks = [name for name in classes if name not in held]
        if held and lacks:
            notes.append(
                f"{split} lacks {len(lacks):,} of the {count(len(classes), 'class', 'classes')} ({some(lacks, 3)}): "
                "its figures say nothing about them"
            )
    return notes
