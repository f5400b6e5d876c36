"""The run folder's records: written once before step 0, compared when the run is opened again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import ValidationError

from visionft import backbones
from visionft.backbones import sha256
from visionft.data import Manifest, read_splits
from visionft.data.preparing import list_photos
from visionft.errors import RunBusyError, RunError, RunMismatchError
from visionft.runs import environment, layout
from visionft.runs.descent import Origin
from visionft.runs.reading import read_record, read_settings, recorded, require_digests, verify
from visionft.runs.writing import begin, replacing, require_space, sweep, write_json, write_text
from visionft.settings import DataSettings, FitSettings, to_yaml
from visionft.training.history import Epoch
from visionft.training.preparing import Prepared

ELDERS = {"from_run": "origin", "distill": "teacher"}
"""Settings that name earlier runs, and the keys of their records."""
READING = ("inside", "layout", "depth", "group_by")
"""Settings that are read off the tree of a folder."""
COPIES_OF_WEIGHTS = 9  # weights, average, two Adam moments, start, best and final files, and each file's temporary twin


def folder_of(wanted: FitSettings) -> Path:
    """Return where the run goes: `out`, or runs/PHOTOS-METHOD-BACKBONE, with -from-RUN or -taught-by-RUN."""
    if wanted.out != "auto":
        return Path(wanted.out)
    backbone = "" if wanted.backbone == "auto" else f"-{backbones.slug(wanted.backbone)}"
    parent = "" if wanted.from_run is None else f"-from-{wanted.from_run.absolute().name}"
    master = "" if wanted.distill is None else f"-taught-by-{wanted.distill.absolute().name}"
    return Path("runs") / f"{wanted.photos.absolute().stem}-{wanted.method.name}{backbone}{parent}{master}"


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a run of ours.

    Raises:
        RunError: it is a file, or has files of somebody else.
    """
    if folder.is_dir():
        foreign = sorted(
            {entry.name for entry in folder.iterdir()} - layout.RECORDS - {layout.DIGESTS, layout.LOCK, "runs"}
        )
        ours = os.path.lexists(folder / layout.SETTINGS)
        foreign = [name for name in foreign if not name.endswith(".part")]
        if foreign and not ours:
            raise RunError(
                f"{folder} holds other files ({', '.join(foreign[:3])}); choose an empty or new folder with --out"
            )
    elif folder.exists():
        raise RunError(f"{folder} is a file, not a folder; choose another --out")


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make the run folder; if the records cannot be written, take away what was made."""
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error.strerror}); choose another folder with --out") from error
    try:
        yield
    except RunBusyError:  # what is there belongs to the other process
        raise
    except BaseException:
        if not (folder / layout.SETTINGS).is_file():
            _take_away(folder, made)
        raise


def _take_away(folder: Path, made: bool) -> None:
    if made:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in layout.RECORDS | {layout.DIGESTS, layout.LOCK}:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def write(folder: Path, wanted: FitSettings, prepared: Prepared, manifest: Manifest) -> None:
    """Write every record; settings.yaml comes last, so that a run without it is known to have never begun."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in prepared.network.state_dict().values())
    require_space(folder, COPIES_OF_WEIGHTS * size + (64 << 20), "this run")
    sweep(folder)
    begin(folder)
    record = {
        "requested": _comparable(wanted),
        "choices": [asdict(choice) for choice in prepared.choices],
        "weights": asdict(prepared.source),
        "origin": prepared.origin.to_json() if prepared.origin else None,
        "teacher": prepared.teacher.origin.to_json() if prepared.teacher else None,
    }
    write_json(folder / layout.CHOICES, record)
    write_json(folder / layout.ENVIRONMENT, environment.describe())
    write_json(folder / layout.DATA, _data(wanted, manifest))
    with replacing(folder / layout.SPLITS) as temporary:
        manifest.write_splits(temporary)
    write_json(folder / layout.CLASSES, {"names": list(manifest.classes), "hash": manifest.classes.hash})
    write_json(folder / layout.PREPROCESS, prepared.preprocess.to_json())
    write_text(folder / layout.SETTINGS, to_yaml(prepared.settings.model_copy(update={"out": folder})))


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
    now = {**_comparable(wanted), "photos": record["requested"]["photos"]}
    for name, kept in ELDERS.items():
        if _only_moved(getattr(wanted, name), record.get(kept)):
            now[name] = record["requested"][name]
    resolved = _comparable(read_settings(folder / layout.SETTINGS))
    differing = list(_differences(_as_of_today(record["requested"]), now, resolved))
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
        here = pc.is_in(ours, value_set=list_photos(wanted.photos, reading).table["path"])
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
    for name in ELDERS.values():
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


def _data(wanted: FitSettings, manifest: Manifest) -> dict[str, Any]:
    return {
        "source": str(wanted.photos),
        "root": str(manifest.root.absolute()),
        "fingerprint": manifest.fingerprint,
        "photos": manifest.table.num_rows,
        "counts": manifest.counts(),
        "account": manifest.account.brief(),
        "quarantine": [asdict(entry) for entry in manifest.quarantine],
        "notes": list(manifest.notes),
    }


def _comparable(settings: FitSettings) -> dict[str, Any]:
    """Return what decides the outcome: not where it is written, how often, what is measured, or kept between runs."""
    tree = settings.model_dump(mode="json")
    tree.pop("out")
    tree.pop("retention")
    tree["photos"] = str(settings.photos.absolute())
    for name in ELDERS:
        run = getattr(settings, name)
        tree[name] = str(run.absolute()) if run else None
    tree["hardware"].pop("checkpoint_seconds")
    tree["data"].pop("cache_gb")
    tree["data"].pop("scan_cache")
    return tree


def _as_of_today(requested: dict[str, Any]) -> dict[str, Any]:
    """Give settings that are younger than a run the defaults that it was made by."""
    data = requested.get("data", {})
    if data.get("group_by", "auto") is None:  # from before there was "auto", which these defaults have become
        data = {**data, "inside": "auto", "depth": data.get("depth") or "auto", "group_by": "auto"}
    try:
        return _comparable(FitSettings.model_validate({**requested, "data": data}))
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
            yield f"{prefix}{key} was {a}, is {b}"
