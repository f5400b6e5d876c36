"""From settings to a finished run: photos, network, solved head, epochs, final weights; resumable at any moment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from visionft import data
from visionft.data import Manifest
from visionft.errors import DataError, MemoryShortError
from visionft.finishing import final_metrics
from visionft.machine.arithmetic import same_threads
from visionft.machine.memory import keep_freed_memory, memory_shortage_said
from visionft.machine.progress import Say, bar
from visionft.planning import continue_from, resume, run_records
from visionft.planning.plan import Plan, make_plan, reopen_plan, require_obtainable, with_weights
from visionft.planning.teacher import open_teacher
from visionft.planning.whole_batches import require_whole_batches
from visionft.runs import Run, layout, lock
from visionft.runs.atomic_write import remove, sweep
from visionft.runs.held_out_file import write_held_out
from visionft.runs.history import Epoch
from visionft.runs.own_loss import GivenLoss, require_given, require_usable
from visionft.runs.run_files import verified_table
from visionft.runs.verify_run import require_as_written
from visionft.settings import FitSettings, PrototypesMethod
from visionft.training.callbacks import Listener
from visionft.training.checkpoint import Checkpoint
from visionft.training.epochs import Epochs, take_part, train_epochs
from visionft.training.ranks import ALONE, Ranks
from visionft.training.solved_head import solve_head


@same_threads()
@memory_shortage_said(
    "training", "give a smaller --backbone, --preprocess.size or --optim.batch-size, and another --out"
)
def train(
    wanted: FitSettings,
    say: Say = print,
    listeners: Iterable[Listener] = (),
    ranks: Ranks = ALONE,
    loss: GivenLoss | None = None,
) -> Run:
    """Train as the settings say, go on with an unfinished run of the same settings, or return the finished one.

    Args:
        wanted: the settings, with or without "auto".
        say: prints one line.
        listeners: told of the training's events, after the package's own.
        ranks: the processes that train it, of which this is the first; the others `follow`.
        loss: of the caller's own, which the settings name.

    Raises:
        UsageError: the loss is not the one that the settings name.
        DataError, WeightsError, BackboneError, RunError: see errors.py; the output folder is then as it was before.
        Interrupted: ^C or SIGTERM; the state was written, and the same call goes on.
        ProcessLostError: another process ended; the same call goes on.
    """
    require_given(wanted, loss)
    require_whole_batches(wanted, ranks.world)
    began = time.monotonic()
    keep_freed_memory()
    folder = run_records.folder_of(wanted)
    continue_from.refuse_itself(wanted, folder)
    run_records.check_folder(folder)
    # Without settings.yaml a splits.csv there is what a process left that was killed early.
    begun = os.path.lexists(folder / layout.SETTINGS)
    if begun:  # before its splits are laid over photos that are read otherwise
        resume.require_same_settings(folder, wanted)
        resume.require_device(folder)
    else:
        require_obtainable(wanted)
    parent = None if begun else continue_from.parent_of(wanted)
    teacher_run = None if begun or wanted.distill is None else open_teacher(wanted.distill)
    earlier_runs = [run for run in (parent, teacher_run) if run is not None]
    splits = verified_table(folder / layout.SPLITS) if begun else continue_from.splits_of(wanted, earlier_runs, say)
    by_class = not begun and continue_from.holds_classes_out(wanted, parent)
    suggestions = None if wanted.apply is None else data.read_suggestions(wanted.apply)
    with bar("reading photos") as advance:
        reading = resume.reading_of(folder, wanted)
        try:
            if begun:
                resume.require_same_paths(folder, wanted, reading, splits)
            manifest = data.prepare(
                wanted.photos,
                reading,
                splits=splits,
                on_progress=advance,
                task=wanted.task,
                suggestions=suggestions,
                by_class=by_class,
            )
        except DataError:
            if begun:  # the fault may be that of other photos under this run's splits
                resume.require_same_place(folder, wanted)
            raise
    if begun:  # before a word of other photos under this run's splits
        resume.require_same_photos(folder, wanted, manifest)
    if suggestions is not None:
        say(str(suggestions))
    say(data.summary(manifest, folder / layout.DATA))
    if line := data.copies_line(manifest.table):
        say(line)
    if begun:
        with lock.held(folder):
            return _go_on(folder, wanted, manifest, say, began, listeners, ranks, loss)
    for earlier in earlier_runs:
        continue_from.say_what_was_seen(earlier, manifest, say)
    plan = replace(make_plan(wanted, manifest, say, parent, teacher_run, ranks.neighbours), loss=loss)
    require_usable(plan.settings, manifest, loss, plan.network.num_classes)
    with run_records.new_folder(folder), lock.held(folder):
        if (folder / layout.SETTINGS).is_file():  # another process began here while this one prepared
            return _go_on(folder, wanted, manifest, say, began, listeners, ranks, loss)
        run_records.write(folder, wanted, plan, manifest)
        return _work(folder, plan, manifest, None, say, began, listeners, ranks)


def follow(wanted: FitSettings, ranks: Ranks, loss: GivenLoss | None = None) -> Run:
    """Take part, as any but the first process, in what that one trains; return the run once it has finished.

    Raises:
        ProcessLostError: another process ended.
        Interrupted: ^C or SIGTERM; the first process has written the state.
    """
    keep_freed_memory()
    try:
        while isinstance(work := ranks.received(), Epochs):
            take_part(work, wanted, ranks, loss)
    except (KeyboardInterrupt, MemoryShortError) as error:  # what ends all ends the first too, which says it
        error.said_elsewhere = True  # type: ignore[union-attr]  # any KeyboardInterrupt may carry it
        raise
    return Run.open(run_records.folder_of(wanted))


def _go_on(
    folder: Path,
    wanted: FitSettings,
    manifest: Manifest,
    say: Say,
    began: float,
    listeners: Iterable[Listener],
    ranks: Ranks,
    loss: GivenLoss | None,
) -> Run:
    resume.require_same_settings(folder, wanted)
    resume.require_same_photos(folder, wanted, manifest)
    if moved := resume.moved(folder, wanted, manifest):
        say(moved)
    sweep(folder)
    if os.path.lexists(folder / layout.RESULT):
        require_as_written(folder)
        if os.path.lexists(folder / layout.BEST):  # killed as the last thing it had to do
            remove(folder / layout.BEST)
        say(f"the run {folder} is finished already; give another --out to train again")
        return Run.open(folder)
    plan = replace(reopen_plan(folder, wanted, manifest), loss=loss)
    path = folder / layout.CHECKPOINT
    checkpoint = Checkpoint.load(path) if os.path.lexists(path) else None
    resume.require_whole(folder, checkpoint.history if checkpoint else ())
    if checkpoint is None:
        plan = with_weights(plan, wanted, manifest)
    say(
        f"going on with the unfinished run {folder} "
        + (f"after step {checkpoint.step}" if checkpoint else "from its start")
    )
    return _work(folder, plan, manifest, checkpoint, say, began, listeners, ranks)


def _work(
    folder: Path,
    plan: Plan,
    manifest: Manifest,
    checkpoint: Checkpoint | None,
    say: Say,
    began: float,
    listeners: Iterable[Listener],
    ranks: Ranks,
) -> Run:
    settings = plan.settings
    torch.set_num_threads(int(settings.hardware.threads))
    history: list[Epoch] = list(checkpoint.history) if checkpoint else []
    centres = None
    if checkpoint is None and plan.solves_head:
        solved = solve_head(plan, manifest, say)
        history, centres = [solved.row], solved.centres
        if isinstance(settings.method, PrototypesMethod):
            write_held_out(folder, solved.validation.features, solved.validation.labels)
    if not settings.epochs and ranks.world > 1:
        say(f"nothing is trained by epochs: the first of the {ranks.world} processes works alone")
    if settings.epochs:
        train_epochs(folder, plan, manifest, checkpoint, history, say, listeners, ranks, centres)
    return final_metrics.finish(folder, plan, manifest, history, say, began)
