"""From a folder or a manifest to a Manifest: list, open every photo, draw sides, say what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.classes import Classes
from visionft.data.dataset_errors import refuse_given_splits, refuse_shares, refuse_torn, refuse_unvalidated
from visionft.data.labels import Labels, labels_of
from visionft.data.manifest import SCHEMA, Manifest, read_splits
from visionft.data.sources.image_folder import scan
from visionft.data.sources.listing import Listing
from visionft.data.sources.manifest_table import read_manifest
from visionft.data.sources.table_columns import Cells
from visionft.data.splits import SPLITS
from visionft.data.splitting.draw import draw_classes, torn_classes
from visionft.data.splitting.leakage import leak_notes
from visionft.data.suggestions import Suggestions, apply_suggestions
from visionft.data.taxonomy import placed
from visionft.data.verify_photos import Progress, check
from visionft.errors import DataError
from visionft.files.manifest_names import is_manifest
from visionft.photos import printable
from visionft.settings import DataSettings
from visionft.tasks.registry import DEFAULT
from visionft.wording.did_you_mean import closest
from visionft.wording.lists import count, some


def prepare(
    photos: Path,
    settings: DataSettings,
    *,
    splits: Path | pa.Table | None = None,
    on_progress: Progress | None = None,
    threads: int | None = None,
    task: str = DEFAULT,
    suggestions: Suggestions | None = None,
    by_class: bool = False,
) -> Manifest:
    """Read, check and split the photos of a run.

    Args:
        photos: A folder of class folders, or a CSV/Parquet manifest.
        settings: How to read and split them.
        splits: A splits.csv of an earlier run or its rows, whose sides win; none: `settings.splits`.
        on_progress: Called with (photos opened, photos in all).
        threads: Photos opened at once; none: one a processor.
        task: What is learnt from them, which says what their labels are.
        suggestions: What an audit suggested, to be followed; none: nothing.
        by_class: Whether the earlier run held whole classes out, so that photos that bring no splits are drawn so too.

    Raises:
        DataError: the photos cannot be trained on; the sentence says why and what to do.
    """
    photos = Path(photos)
    earlier = settings.splits if splits is None else splits
    earlier = read_splits(earlier) if isinstance(earlier, Path) else earlier
    labels = labels_of(task)
    listing = labels.fold(list_photos(photos, settings, task=task), None)
    if suggestions is not None:
        listing = apply_suggestions(listing, suggestions)
    refuse_early(photos, listing, settings, task)
    checked = usable(photos, listing, _checked(listing, settings, on_progress, threads), task)
    lost = labels.lost(listing.table, checked.table)
    by_class = by_class or settings.split_by == "class"
    manifest = _split(photos, checked, settings, earlier, task, by_class)
    return replace(manifest, by_rows=is_manifest(photos), lost_classes=lost, suggestions=suggestions)


def label_photos(
    photos: Path,
    classes: Classes,
    settings: DataSettings,
    *,
    on_progress: Progress | None = None,
    threads: int | None = None,
    task: str = DEFAULT,
) -> Manifest:
    """Read and check labelled photos that are only measured on: every one is `test`.

    The manifest's classes are those that the photos are measured with, as the task has it: the run's, or their own.

    Of photos that bring splits, the test split is read (else the validation split, else all), and said aloud.

    Raises:
        DataError: a class that the run does not know, or photos that cannot be read.
    """
    photos, labels = Path(photos), labels_of(task)
    listing = _measured(photos, list_photos(photos, settings, classes.names, task), settings, labels.cells)
    listing = labels.fold(listing, classes.names)
    labels.require_known(photos, listing.table, classes)
    checked = usable(photos, listing, _checked(listing, settings, on_progress, threads), task)
    table = _with_splits(checked.table, pa.repeat("test", checked.table.num_rows))
    return Manifest(
        checked.root,
        table,
        labels.measured(table, classes),
        checked.quarantine,
        checked.notes,
        checked.unchanged,
        by_rows=is_manifest(photos),
        lost_classes=labels.lost(listing.table, checked.table),
        reading=checked.reading,
        task=task,
    )


def list_photos(
    photos: Path, settings: DataSettings, known: Sequence[str] | None = None, task: str = DEFAULT
) -> Listing:
    """List what a folder or a manifest names, without opening a photo; a note says which labels are odd.

    Args:
        photos: a folder of class folders, or a CSV/Parquet manifest.
        settings: how to read them.
        known: the classes of a run that the photos are only measured with.
        task: what is learnt from them.

    Raises:
        DataError: neither a folder nor a manifest, or one that cannot be read.
    """
    labels = labels_of(task)
    if photos.exists():
        labels.require_place(photos)
    listing = _listed(photos, settings, known, labels)
    if settings.taxonomy is not None:
        listing = placed(listing, settings.taxonomy, known)
    return labels.read(photos, listing, known)


def _listed(photos: Path, settings: DataSettings, known: Sequence[str] | None, labels: Labels) -> Listing:
    if photos.is_dir():
        return scan(photos, settings, known, bounded=labels.bounded)
    if not photos.exists():
        near = photos.parent if photos.parent.is_dir() else Path()
        names = closest(photos.name, [entry.name for entry in near.iterdir()])
        hint = f"; did you mean {photos.parent / names[0]}?" if names else ""
        raise DataError(f"there is no {photos}: give a folder of class folders, or a CSV or Parquet manifest{hint}")
    if not is_manifest(photos):
        raise DataError(f"{photos} is neither a folder nor a .csv or .parquet manifest: give one of these")
    return read_manifest(photos, settings, cells=labels.cells)


def _checked(listing: Listing, settings: DataSettings, on_progress: Progress | None, threads: int | None) -> Listing:
    return check(listing, settings.max_pixels, on_progress, threads, remember=settings.scan_cache)


def refuse_early(photos: Path, listing: Listing, settings: DataSettings, task: str = DEFAULT) -> None:
    """Refuse what a listing alone shows, before hours are spent on opening photos.

    Raises:
        DataError: says what is missing to train on.
    """
    given = _given(listing.table)
    if "validation" not in given:
        refuse_shares(settings)
    refuse_given_splits(photos, given, settings)
    labels_of(task).require_early(photos, listing, settings)


def _split(
    photos: Path, checked: Listing, settings: DataSettings, earlier: pa.Table | None, task: str, by_class: bool
) -> Manifest:
    labels = labels_of(task)
    notes: list[str] = []
    by_class = by_class and not _given(checked.table)
    if by_class:
        sides = _by_class(checked.table, settings, earlier)
    else:
        sides, notes = _drawn(labels, checked.table, settings, earlier)
    table = _with_splits(checked.table, sides["split"])
    labels.require_split(photos, table)
    refuse_unvalidated(photos, table)
    classes = labels.classes(table)
    notes = [*checked.notes, *notes, *labels.gaps(table, classes), *leak_notes(table)]
    return Manifest(
        checked.root,
        table,
        classes,
        checked.quarantine,
        tuple(notes),
        checked.unchanged,
        reading=checked.reading,
        task=task,
        drawn_by_class=by_class,
    )


def _drawn(
    labels: Labels, table: pa.Table, settings: DataSettings, earlier: pa.Table | None
) -> tuple[pa.Table, list[str]]:
    """Fill in the sides that the photos do not bring; given ones stay."""
    given = _given(table)
    if not given:
        return _with_splits(table, labels.draw(table, settings.validation, settings.test, earlier)), []
    notes = [] if "test" in given else ["the photos bring splits but no test: nothing was held out for final figures"]
    if "validation" in given:
        ignored = [] if earlier is None else ["the earlier splits.csv is not used: the photos bring their own splits"]
        return _with_splits(table, table["split"]), notes + ignored
    is_train = pc.equal(table["split"], "train")
    train, rest = table.filter(is_train), table.filter(pc.invert(is_train))
    if earlier is not None:
        earlier = earlier.filter(pc.not_equal(earlier["split"], "test"))
    carved = _with_splits(train, labels.draw(train, settings.validation, 0.0, earlier))
    carved = pa.concat_tables([carved, _with_splits(rest, rest["split"])]).sort_by("path")
    held = count(int(pc.sum(pc.equal(carved["split"], "validation")).as_py()), "photo")
    return carved, [
        f"the photos bring no validation split: {held} of train {'is' if held == '1 photo' else 'are'} held out",
        *notes,
    ]


def _by_class(table: pa.Table, settings: DataSettings, earlier: pa.Table | None) -> pa.Table:
    """Draw a side for every class, and keep those of an earlier run, new photos of its classes included."""
    if earlier is not None:
        refuse_torn(torn_classes(table, earlier))
    return _with_splits(table, draw_classes(table, settings.validation, settings.test, earlier))


def _given(table: pa.Table) -> set[str]:
    return set(table["split"].drop_null().unique().to_pylist())


def _with_splits(table: pa.Table, splits: pa.ChunkedArray | pa.Array) -> pa.Table:
    columns = {name: splits if name == "split" else table[name] for name in SCHEMA.names}
    return pa.table(columns).cast(SCHEMA)


def usable(photos: Path, listed: Listing, checked: Listing, task: str = DEFAULT) -> Listing:
    """Return `checked` with a note on classes that lost every photo.

    Raises:
        DataError: no photo at all is left.
    """
    if not checked.table.num_rows:
        raise DataError(_noneusable(photos, listed, checked))
    lost = labels_of(task).lost(listed.table, checked.table)
    if not lost:
        return checked
    what = "1 class is" if len(lost) == 1 else f"{len(lost)} classes are"
    return checked.noting(f"{what} left out, as no photo of {some(map(repr, lost))} can be used: see the quarantine")


def _noneusable(photos: Path, listed: Listing, checked: Listing) -> str:
    first = next(item for item in checked.quarantine if item.path == printable(listed.table["path"][0].as_py()))
    near = (checked.root / first.path).parent
    names = [entry.name for entry in near.iterdir()] if near.is_dir() else []
    match = closest(Path(first.path).name, names) if first.reason == "no such file" else []
    hint = f"; did you mean {match[0]}?" if match else f"; paths start at {checked.root}" if is_manifest(photos) else ""
    photo = f"{first.path} is the first ({first.reason})"
    return f"none of the {count(listed.table.num_rows, 'photo')} of {photos} can be used; {photo}{hint}"


def _measured(photos: Path, listing: Listing, settings: DataSettings, cells: Cells) -> Listing:
    """Return the photos of the side that is measured, with a note on those that are not."""
    given = _given(listing.table)
    chosen = next((split for split in ("test", "validation") if split in given), None)
    if chosen is None:
        return listing
    table, others = listing.table.filter(pc.equal(listing.table["split"], chosen)), []
    for split in SPLITS:
        number = pc.sum(pc.equal(listing.table["split"], split)).as_py()
        others += [f"{number:,} of {split}"] if split in given - {chosen} else []
    note = f"{photos} brings splits: its {chosen} photos alone are measured on"
    note += f", not the {some(others)}" if others else ""
    if is_manifest(photos):  # rows of the other sides that lack a label are not asked for either
        return read_manifest(photos, settings, chosen, cells).noting(note)
    return replace(listing, table=table).noting(note)
