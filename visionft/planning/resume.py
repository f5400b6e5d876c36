"""An unfinished run that is opened again: its records are compared with what is asked for now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import ValidationError

from visionft.backbones import sha256
from visionft.data import Manifest, read_splits
from visionft.data.prepare import list_photos
from visionft.errors import RunError, RunMismatchError
from visionft.planning.run_records import EARLIER_RUNS, comparable
from visionft.runs import layout
from visionft.runs.atomic_write import write_json
from visionft.runs.history import Epoch
from visionft.runs.lineage import Origin
from visionft.runs.run_files import read_record, read_settings, recorded, require_digests, verify
from visionft.settings import DataSettings, FitSettings

READING = ("inside", "layout", "depth", "group_by")
"""Settings that are read off the tree of a folder."""
LONGEST = 300
"""Characters of a value that are still said: a pipeline may have thousands."""


def reading_of(folder: Path, wanted: FitSettings) -> DataSettings:
    """Return how a run reads its photos: where `wanted` leaves that open, as the run settled it when it was begun."""
    if not os.path.lexists(folder / layout.SETTINGS):
        return wanted.data
    settled = read_settings(folder / layout.SETTINGS).data
    open_ones = [name for name in READING if getattr(wanted.data, name) == "auto"]
    return wanted.data.model_copy(update={name: getattr(settled, name) for name in open_ones})


def require_same_settings(folder: Path, wanted: FitSettings) -> None:
    """Refuse to go on with a run of other settings; what "auto" became there may be given instead of it.

    Where the photos lie is no matter yet: they may have moved, which their digests tell once they are read.

    Raises:
        RunMismatchError: names what differs.
    """
    record = read_record(folder / layout.CHOICES, _asked)
    now = {**comparable(wanted), "photos": record["requested"]["photos"]}
    for name, kept in EARLIER_RUNS.items():
        if _only_moved(getattr(wanted, name), record.get(kept)):
            now[name] = record["requested"][name]
    resolved = comparable(read_settings(folder / layout.SETTINGS))
    differing = list(_differences(_as_of_today(record["requested"], wanted), now, resolved))
    if differing:
        raise RunMismatchError(_other_settings(folder, differing))


def require_device(folder: Path) -> None:
    """Raise RunError where an unfinished run needs a device that is not here."""
    settled = read_settings(folder / layout.SETTINGS).hardware.device
    if settled == "cuda" and not os.path.lexists(folder / layout.RESULT) and not torch.cuda.is_available():
        raise RunError(
            f"{folder} was begun on a CUDA device and torch sees none here; go on where there is one, or give another "
            "--out"
        )


def require_same_place(folder: Path, wanted: FitSettings) -> None:
    """Raise RunMismatchError where a run was begun with photos at another place than these."""
    if other := _other_place(folder, wanted):
        raise RunMismatchError(_other_settings(folder, [other]))


def require_same_paths(folder: Path, wanted: FitSettings, reading: DataSettings, splits: Path | pa.Table) -> None:
    """Refuse another place that lacks photos of a run, before any photo is opened.

    Args:
        folder: of the run.
        wanted: the settings, which say where the photos are.
        reading: how they are read.
        splits: the photos of the run.

    Raises:
        RunMismatchError: says both places.
        DataError: there are no photos.
    """
    if other := _other_place(folder, wanted):
        ours = (read_splits(splits) if isinstance(splits, Path) else splits)["path"]
        here = pc.is_in(ours, value_set=list_photos(wanted.photos, reading, task=wanted.task).table["path"])
        if not pc.all(here).as_py():
            raise RunMismatchError(_other_settings(folder, [other]))


def _other_place(folder: Path, wanted: FitSettings) -> str | None:
    """Say both places where the photos lie elsewhere than those of a run."""
    before, given = _before(folder), str(wanted.photos.absolute())
    asked: str = read_record(folder / layout.CHOICES, _asked)["requested"]["photos"]
    known = given in (asked, str(Path(before.get("source", "")).absolute()))
    return None if known else f"photos was {asked}, is {given}"


def require_same_photos(folder: Path, wanted: FitSettings, manifest: Manifest) -> None:
    """Refuse to go on with a run of other photos.

    Raises:
        RunMismatchError: says how many there were, or where.
    """
    before = _before(folder)
    followed = (before.get("suggestions") or {}).get("sha256")
    if manifest.suggestions is not None and followed != manifest.suggestions.sha256:
        raise RunMismatchError(
            f"{manifest.suggestions.path} is not what it was when {folder} was begun (SHA-256 {str(followed)[:12]} then"
            f", {manifest.suggestions.sha256[:12]} now); give the file as it was, or another --out"
        )
    if before["fingerprint"] == manifest.fingerprint:
        return
    require_same_place(folder, wanted)
    raise RunMismatchError(
        f"the photos changed since {folder} was begun ({before['photos']} photos then, {manifest.table.num_rows} now); "
        "give another --out, and --data.splits with its splits.csv to keep the sides"
    )


def _other_settings(folder: Path, differing: Sequence[str]) -> str:
    return f"{folder} was made with other settings ({'; '.join(differing)}); give the same ones or another --out"


def _before(folder: Path) -> dict[str, Any]:
    """Return data.json of a run."""
    return read_record(folder / layout.DATA, _data_asked)


def moved(folder: Path, wanted: FitSettings, manifest: Manifest) -> str | None:
    """Record where the photos of an unfinished run are now; a finished one stays as it is.

    Returns:
        What is to be said of the same photos at another place; none: they are where they were.
    """
    before, root = _before(folder), str(manifest.root.absolute())
    if root == before["root"]:
        return None
    said = f"the photos of {folder} were in {before['root']}, and the same are in {root} now"
    if (folder / layout.RESULT).is_file():
        return f"{said}; evaluate, export and blend find them with --data {root}"
    write_json(folder / layout.DATA, {**before, "source": str(wanted.photos.absolute()), "root": root})
    return said


def _asked(record: dict[str, Any]) -> dict[str, Any]:
    """Return choices.json where it holds what is asked of it."""
    dict(record["requested"])
    for name in EARLIER_RUNS.values():
        if record.get(name) is not None:
            Origin(**record[name])
    return record


def _data_asked(record: dict[str, Any]) -> dict[str, Any]:
    """Return data.json where it holds what is asked of it."""
    Path(record["root"]), Path(record.get("source", ""))
    return {**record, "fingerprint": record["fingerprint"], "photos": record["photos"]}


def require_whole(folder: Path, history: Sequence[Epoch]) -> None:
    """Refuse to go on with an unfinished run of which a file is damaged or lost.

    Args:
        folder: of the run.
        history: rows of its checkpoint; the best weights of them were kept.

    Raises:
        RunError: names the file.
    """
    require_digests(folder)
    for name in sorted(layout.RECORDS):
        verify(folder / name)
    for name in (layout.START, layout.BEST):
        if not os.path.lexists(folder / name) and not (history and (name == layout.BEST or recorded(folder / name))):
            continue  # not written yet
        try:
            verify(folder / name)
        except RunError as error:
            raise RunError(
                f"{error}".partition("; ")[0] + f"; restore it from a copy, or delete {layout.CHECKPOINT} to train "
                "again from the start"
            ) from error


def _as_of_today(requested: dict[str, Any], wanted: FitSettings) -> dict[str, Any]:
    """Give settings that are younger than a run the defaults that it was made by."""
    data = requested.get("data", {})
    if data.get("group_by", "auto") is None:  # from before there was "auto", which these defaults have become
        data = {**data, "inside": "auto", "depth": data.get("depth") or "auto", "group_by": "auto"}
    preprocess = requested.get("preprocess", {})
    if (preprocess.get("mode"), wanted.preprocess.mode) == ("crop", "auto"):  # likewise: the default was crop
        preprocess = {**preprocess, "mode": "auto"}
    try:
        return comparable(FitSettings.model_validate({**requested, "data": data, "preprocess": preprocess}))
    except ValidationError:  # a setting is gone, or its values are others: the differences name it
        return requested


def _only_moved(run: Path | None, origin: dict[str, Any] | None) -> bool:
    """Tell whether an earlier run has another place than it had, and the same weights."""
    if origin is None or run is None or str(run.absolute()) == origin["path"]:
        return False
    weights = run / layout.WEIGHTS
    return weights.is_file() and sha256(weights) == origin["weights_sha256"]


def _differences(
    before: dict[str, Any], now: dict[str, Any], resolved: dict[str, Any], prefix: str = ""
) -> Iterator[str]:
    for key in sorted({*before, *now}):
        a, b, used = before.get(key), now.get(key), resolved.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, used if isinstance(used, dict) else {}, f"{prefix}{key}.")
        elif a != b and (key not in resolved or b != used):
            long = max(len(str(a)), len(str(b))) > LONGEST
            yield f"{prefix}{key} was another one" if long else f"{prefix}{key} was {a}, is {b}"
