"""Find the photos of a run again by their digests: where they were, or at the place that they moved to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.manifest import Manifest
from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.sources.manifest_table import read_manifest
from visionft.data.verify_photos import check
from visionft.errors import DataError
from visionft.files.manifest_names import is_manifest
from visionft.photos import Account, Quarantined, printable, walk
from visionft.settings import DataSettings
from visionft.wording.lists import count

CHANGED = "changed since the run was made"
GONE = "no file with its bytes there"


@dataclass(frozen=True, eq=False)
class Located:
    """The photos of a run as they are found now.

    Attributes:
        manifest: Those that have the bytes that they had, by where they are; in the order of the run.
        account: Of the splits that were looked for.
        moved_from: The folder where they were, if another place was named; none: they are looked for there.
    """

    manifest: Manifest
    account: Account
    moved_from: Path | None = None

    @property
    def note(self) -> str | None:
        """What is to be said of the place; none where the photos are where they were."""
        if self.moved_from is None:
            return None
        return f"the run's photos were in {self.moved_from}, and are read in {self.manifest.root}: the same by digest"


def locate(
    manifest: Manifest,
    splits: Sequence[str],
    settings: DataSettings,
    place: Path | None = None,
    *,
    flags: str = "--data",
) -> Located:
    """Find the photos of some splits again; a file that has other bytes now is none of them.

    Args:
        manifest: The photos as a run recorded them.
        splits: Those that are wanted; rows of others are dropped.
        settings: How the run reads photos.
        place: A folder, searched through, or a manifest of where they are now; none: where they were.
        flags: What names such a place on the command line.

    Raises:
        DataError: there is no such place, or none of the photos is there.
    """
    if place is not None and not place.exists():
        raise DataError(f"there is no {place}: give the folder that the photos of the run are in now")
    wanted = manifest.table.filter(pc.is_in(manifest.table["split"], value_set=pa.array(splits, pa.string())))
    root = manifest.root if place is None else place if place.is_dir() else place.parent
    now, faults = _unmoved(wanted, root, settings)
    if place is not None and now.null_count:
        now = _searched(wanted, now, root, place, settings)
        faults = {path: fault if fault == CHANGED else GONE for path, fault in faults.items()}
    there = pc.is_valid(now)
    lost = wanted.filter(pc.invert(there))
    table = wanted.set_column(0, wanted.schema.field("path"), now).filter(there)
    left_out = tuple(Quarantined(printable(path), faults[path]) for path in lost["path"].to_pylist())
    if not table.num_rows:
        wanted_ones = f"{count(wanted.num_rows, ' and '.join(splits) + ' photo')} of the run"
        raise DataError(_nothing(wanted_ones, manifest.root, left_out[0], place, flags))
    gone = manifest.labels.lost(lost, table)
    found = Manifest(root, table, manifest.classes, by_rows=manifest.by_rows, part_of=manifest.fingerprint)
    found = replace(found, task=manifest.task)
    account = Account(wanted.num_rows, table.num_rows, left_out, gone)
    return Located(found, account, None if place is None else manifest.root)


def _unmoved(wanted: pa.Table, root: Path, settings: DataSettings) -> tuple[pa.ChunkedArray, dict[str, str]]:
    """Return each photo's path where the file below `root` is the same, else null, and why those are not."""
    found, faults = _sound(root, wanted.select(COLUMNS.names), settings)
    digest = found["digest"].take(pc.index_in(wanted["path"], value_set=found["path"]))
    same = pc.fill_null(pc.equal(digest, wanted["digest"]), False)
    others = wanted["path"].filter(pc.invert(same)).to_pylist()
    return pc.if_else(same, wanted["path"], pa.scalar(None, pa.string())), {
        path: faults.get(printable(path), CHANGED) for path in others
    }


def _searched(
    wanted: pa.Table, now: pa.ChunkedArray, root: Path, place: Path, settings: DataSettings
) -> pa.ChunkedArray:
    """Fill in the paths below `root` of files that have the digests of the photos which are still missing."""
    missing = wanted.filter(pc.is_null(now))
    sizes = set(missing["bytes"].to_pylist())
    paths = [path for path in _files(root, place, settings) if _size(root, path) in sizes]
    if not paths:
        return now
    nothing = pa.nulls(len(paths), pa.string())
    table = pa.table([pa.array(paths, pa.string()), *[nothing] * (len(COLUMNS) - 1)], schema=COLUMNS)
    found, _ = _sound(root, table, settings)
    place_of = pc.index_in(wanted["digest"], value_set=found["digest"])  # of several copies any will do: the first
    return pc.coalesce(now, found["path"].take(place_of))


def _sound(root: Path, table: pa.Table, settings: DataSettings) -> tuple[pa.Table, dict[str, str]]:
    """Return the sound photos with their digests, and, by their printable paths, why the others are not.

    They are decoded too, where no earlier check is remembered: another version may think less of a photo.
    """
    checked = check(Listing(root, table), settings.max_pixels, remember=settings.scan_cache)
    return checked.table, {item.path: item.reason for item in checked.quarantine}


def _files(root: Path, place: Path, settings: DataSettings) -> list[str]:
    if place.is_dir():
        return [os.path.relpath(path, root) for path in walk(place)[0]]
    if not is_manifest(place):
        raise DataError(f"{place} is neither a folder nor a .csv or .parquet manifest: give one of these")
    return list(read_manifest(place, settings).table["path"].to_pylist())


def _size(root: Path, path: str) -> int:
    try:
        return os.stat(root / path).st_size  # noqa: PTH116  # a Path costs more than the question
    except (OSError, ValueError):
        return -1


def _nothing(wanted: str, root: Path, first: Quarantined, place: Path | None, flags: str) -> str:
    why = f"({first.path} first: {first.reason})"
    if place is not None:
        return f"none of the {wanted}, which were in {root}, is in {place} by its digest {why}: name their place now"
    return (
        f"none of the {wanted} is in {root} as it was {why}: bring the photos back, or name the place that they moved "
        f"to with {flags}"
    )
