"""The run folder's records: written once, before step 0."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visionft import backbones
from visionft.data import Manifest
from visionft.errors import RunBusyError, RunError
from visionft.planning.plan import Plan
from visionft.remote.local_copy import origin_of
from visionft.runs import environment, layout
from visionft.runs.atomic_write import begin, replacing, require_space, sweep, write_json, write_text
from visionft.settings import FitSettings, to_yaml

EARLIER_RUNS = {"from_run": "origin", "distill": "teacher"}
"""Settings that name earlier runs, and the keys of their records."""
COPIES_OF_WEIGHTS = 9  # weights, average, two Adam moments, start, best and final files, and each file's temporary twin


def folder_of(wanted: FitSettings) -> Path:
    """Return where the run goes: `out`, or runs/PHOTOS-METHOD-BACKBONE, with -from-RUN or -taught-by-RUN."""
    if wanted.out != "auto":
        return Path(wanted.out)
    backbone = "" if wanted.backbone == "auto" else f"-{backbones.slug(wanted.backbone)}"
    parent = "" if wanted.from_run is None else f"-from-{wanted.from_run.absolute().name}"
    teacher_run = "" if wanted.distill is None else f"-taught-by-{wanted.distill.absolute().name}"
    return Path("runs") / f"{wanted.photos.absolute().stem}-{wanted.method.name}{backbone}{parent}{teacher_run}"


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


def write(folder: Path, wanted: FitSettings, plan: Plan, manifest: Manifest) -> None:
    """Write every record; settings.yaml comes last, so that a run without it is known to have never begun."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in plan.network.state_dict().values())
    require_space(folder, COPIES_OF_WEIGHTS * size + (64 << 20), "this run")
    sweep(folder)
    begin(folder)
    record = {
        "requested": comparable(wanted),
        "choices": [asdict(choice) for choice in plan.choices],
        "weights": asdict(plan.source),
        "origin": plan.origin.to_json() if plan.origin else None,
        "teacher": plan.teacher.origin.to_json() if plan.teacher else None,
    }
    write_json(folder / layout.CHOICES, record)
    write_json(folder / layout.ENVIRONMENT, environment.describe())
    write_json(folder / layout.DATA, _data(wanted, manifest))
    with replacing(folder / layout.SPLITS) as temporary:
        manifest.write_splits(temporary)
    write_json(folder / layout.CLASSES, {"names": list(manifest.classes), "hash": manifest.classes.hash})
    write_json(folder / layout.PREPROCESS, plan.preprocess.to_json())
    write_text(folder / layout.SETTINGS, to_yaml(plan.settings.model_copy(update={"out": folder})))


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
        **({"from": origin} if (origin := origin_of(wanted.photos)) else {}),
        **({"suggestions": manifest.suggestions.to_json()} if manifest.suggestions else {}),
    }


def comparable(settings: FitSettings) -> dict[str, Any]:
    """Return what decides the outcome: not where it is written, how often, what is measured, or kept between runs."""
    tree = settings.model_dump(mode="json")
    tree.pop("out")
    tree.pop("retention")
    tree.pop("report")
    tree["photos"] = str(settings.photos.absolute())
    tree["apply"] = str(settings.apply.absolute()) if settings.apply else None
    for name in EARLIER_RUNS:
        run = getattr(settings, name)
        tree[name] = str(run.absolute()) if run else None
    tree["hardware"].pop("checkpoint_seconds")
    tree["data"].pop("cache_gb")
    tree["data"].pop("scan_cache")
    return tree
