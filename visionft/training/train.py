"""From settings to a finished run: photos, network, solved head, epochs, final weights; resumable at any moment."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch

from visionft import data
from visionft.data import Manifest
from visionft.errors import DataError
from visionft.runs import Run, layout, locking
from visionft.runs.checking import require_as_written
from visionft.runs.reading import verified_table
from visionft.runs.writing import sweep
from visionft.settings import FitSettings
from visionft.training import finishing, inheriting, preparing, recording, reopening
from visionft.training.allocating import keep_freed_memory
from visionft.training.checkpointing import Checkpoint
from visionft.training.epochs import train_epochs
from visionft.training.history import Epoch
from visionft.training.preparing import Prepared
from visionft.training.progress import Say, bar
from visionft.training.solving import solve_head


def train(wanted: FitSettings, say: Say = print) -> Run:
    """Train as the settings say, go on with an unfinished run of the same settings, or return the finished one.

    Raises:
        DataError, WeightsError, BackboneError, RunError: see errors.py; the output folder is then as it was before.
        Interrupted: ^C or SIGTERM; the state was written, and the same call goes on.
    """
    began = time.monotonic()
    keep_freed_memory()
    folder = recording.folder_of(wanted)
    inheriting.refuse_itself(wanted, folder)
    recording.check_folder(folder)
    # Without settings.yaml a splits.csv there is what a process left that was killed early.
    begun = os.path.lexists(folder / layout.SETTINGS)
    if begun:  # before its splits are laid over photos that are read otherwise
        reopening.require_same_settings(folder, wanted)
        reopening.require_device(folder)
    else:
        preparing.require_obtainable(wanted)
    parent = None if begun else inheriting.parent_of(wanted)
    master = None if begun or wanted.distill is None else Run.open(wanted.distill)
    elders = [run for run in (parent, master) if run is not None]
    splits = verified_table(folder / layout.SPLITS) if begun else inheriting.splits_of(wanted, elders, say)
    with bar("reading photos") as advance:
        reading = reopening.reading_of(folder, wanted)
        try:
            if begun:
                reopening.require_same_paths(folder, wanted, reading, splits)
            manifest = data.prepare(wanted.photos, reading, splits=splits, on_progress=advance)
        except DataError:
            if begun:  # the fault may be that of other photos under this run's splits
                reopening.require_same_place(folder, wanted)
            raise
    if begun:  # before a word of other photos under this run's splits
        reopening.require_same_photos(folder, wanted, manifest)
    say(data.summary(manifest, folder / layout.DATA))
    if begun:
        with locking.held(folder):
            return _go_on(folder, wanted, manifest, say, began)
    for elder in elders:
        inheriting.say_what_was_seen(elder, manifest, say)
    prepared = preparing.prepare(wanted, manifest, say, parent, master)
    with recording.new_folder(folder), locking.held(folder):
        if (folder / layout.SETTINGS).is_file():  # another process began here while this one prepared
            return _go_on(folder, wanted, manifest, say, began)
        recording.write(folder, wanted, prepared, manifest)
        return _work(folder, prepared, manifest, None, say, began)


def _go_on(folder: Path, wanted: FitSettings, manifest: Manifest, say: Say, began: float) -> Run:
    reopening.require_same_settings(folder, wanted)
    reopening.require_same_photos(folder, wanted, manifest)
    if moved := reopening.moved(folder, wanted, manifest):
        say(moved)
    sweep(folder)
    if os.path.lexists(folder / layout.RESULT):
        require_as_written(folder)
        say(f"the run {folder} is finished already; give another --out to train again")
        return Run.open(folder)
    prepared = preparing.reopen(folder, wanted, manifest)
    path = folder / layout.CHECKPOINT
    checkpoint = Checkpoint.load(path) if os.path.lexists(path) else None
    reopening.require_whole(folder, checkpoint.history if checkpoint else ())
    if checkpoint is None:
        prepared = preparing.with_weights(prepared, wanted, manifest)
    say(
        f"going on with the unfinished run {folder} "
        + (f"after step {checkpoint.step}" if checkpoint else "from its start")
    )
    return _work(folder, prepared, manifest, checkpoint, say, began)


def _work(
    folder: Path, prepared: Prepared, manifest: Manifest, checkpoint: Checkpoint | None, say: Say, began: float
) -> Run:
    settings = prepared.settings
    torch.set_num_threads(int(settings.hardware.threads))
    history: list[Epoch] = list(checkpoint.history) if checkpoint else []
    if checkpoint is None and prepared.solves_head:
        history = [solve_head(prepared, manifest, say)]
    if settings.epochs:
        train_epochs(folder, prepared, manifest, checkpoint, history, say)
    return finishing.finish(folder, prepared, manifest, history, say, began)
