"""The part of a run that trains by epochs: its state, its batches and its listeners, from a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT

import numpy as np
import torch
from numpy.typing import NDArray

from visionft import methods
from visionft.data import EvalPhotos, FixedViews, Manifest, TrainLoader, TrainPhotos, eval_batches
from visionft.errors import ProcessLostError, RunError
from visionft.machine.progress import Say, bar
from visionft.machine.stop_signals import Interrupted, watching
from visionft.planning import crop_sizes, decoded_cache
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.plan import Plan, reopen_plan, views_of
from visionft.runs import layout
from visionft.runs.history import Epoch, no_longer_better
from visionft.runs.own_loss import GivenLoss, criterion_of
from visionft.settings import FitSettings
from visionft.tasks.registry import spec_of
from visionft.training import validation_cache
from visionft.training.callbacks import Listener, Listeners
from visionft.training.checkpoint import Checkpoint
from visionft.training.distillation import Distillation
from visionft.training.early_stopping import EarlyStopping, StopOnSignal
from visionft.training.eta import Eta
from visionft.training.fabric import make_fabric
from visionft.training.frozen_cache import TrainSource
from visionft.training.loop import train_loop
from visionft.training.objective import Objective
from visionft.training.ranks import ALONE, Ranks
from visionft.training.run_writer import RunWriter
from visionft.training.state import TrainState
from visionft.training.validation_cache import ValidationSource
from visionft.wording.lists import count


@dataclass(frozen=True)
class Epochs:
    """What the first process has the others take part in.

    Attributes:
        folder: of the run, whose records are written.
        manifest: its photos.
        resumed: whether training goes on after the folder's checkpoint.
    """

    folder: Path
    manifest: Manifest
    resumed: bool


def train_epochs(
    folder: Path,
    plan: Plan,
    manifest: Manifest,
    checkpoint: Checkpoint | None,
    history: list[Epoch],
    say: Say,
    listeners: Iterable[Listener] = (),
    ranks: Ranks = ALONE,
    centres: NDArray[np.float32] | None = None,
) -> None:
    """Train until the schedule ends; best weights and checkpoints are in the folder afterwards.

    Args:
        folder: of the run.
        plan: what is trained, and how.
        manifest: its photos.
        checkpoint: what training goes on from; none: its start.
        history: rows of the epochs so far.
        say: prints one line.
        listeners: of the caller, after those that write the run.
        ranks: the processes that train it together.
        centres: (C, K) where a solved head put the classes, for a loss that keeps a place for each of them.

    Raises:
        Interrupted: a signal came; the checkpoint is written.
        ProcessLostError: another process ended.
    """
    loader = make_loader(plan, manifest, ranks)
    schedule = plan.schedule(loader.steps_per_epoch)
    if schedule.total_steps <= (checkpoint.step if checkpoint else 0):
        return
    if no_longer_better(history, plan.settings.optim.patience):
        return  # stopped early, and killed before the end
    asked = int(plan.settings.hardware.workers)
    if loader.workers < asked:
        ready = count(loader.workers, "process", "processes")
        say(f"note: /dev/shm has room for what {ready} can read ahead, not for --hardware.workers {asked}")
    if ranks.world > 1:
        batch = min(int(plan.settings.optim.batch_size), len(loader.dataset))
        say(f"{ranks.world} processes share each batch of {batch} photos, and the validation photos")
    work = Epochs(folder, manifest, checkpoint is not None)
    told: tuple[Listeners, TrainState] | None = None
    watched = bar("training", shown=ranks.first)
    with (
        ranks.together(work),
        memory_efficient(plan.settings, plan.network),
        watching() as interruption,
        watched as advance,
    ):
        try:
            state = make_state(plan, manifest, schedule, loader, say, ranks)
            if checkpoint is None:  # else each has them from there
                if centres is not None:
                    state.objective.loss.begin(centres)
                ranks.match(state.network)
                ranks.match(state.objective.loss)
            state.begin(checkpoint, folder / layout.START)
            source = TrainSource(state, loader, folder, interruption, advance, say)
            held_out = ValidationSource(state, _held_out(plan, manifest, ranks), source, folder, say)
            own: list[Listener] = [StopOnSignal(interruption)]
            writer = RunWriter(folder, history, checkpoint is None, say) if ranks.first else None
            if writer:
                own = [writer, Eta(loader, advance, say), EarlyStopping(history, say), *own, *listeners]
            told = Listeners(own), state
            try:
                train_loop(state, source, held_out, own)
            except ProcessLostError as error:
                if writer:
                    writer.lost(state)
                told[0].stopped(state, error)
                raise
            interruption.agree(ranks.most)
        except KeyboardInterrupt:
            interruption.signal = interruption.signal or SIGINT
        finally:
            loader.close()
        if interruption.signal is not None:
            reason = Interrupted(interruption.signal, f"interrupted; the same command goes on with {folder}")
            if told:
                told[0].stopped(told[1], reason)
            raise reason


def take_part(work: Epochs, wanted: FitSettings, ranks: Ranks, loss: GivenLoss | None = None) -> None:
    """Train, as one of the other processes, what the first one has begun or goes on with.

    Args:
        work: what the first process sent.
        wanted: the settings as given, which name the earlier runs.
        ranks: of this process.
        loss: of the caller's own, which each process was given.

    Raises:
        RunError: the run's folder is not the one that the first process sees.
    """
    if not (work.folder / layout.SETTINGS).is_file():
        raise RunError(
            f"process {ranks.rank} does not see {work.folder} as the first process does; give an --out that all see "
            "under one name"
        )
    plan = replace(reopen_plan(work.folder, wanted, work.manifest), loss=loss)
    torch.set_num_threads(int(plan.settings.hardware.threads))
    checkpoint = Checkpoint.load(work.folder / layout.CHECKPOINT) if work.resumed else None
    history = list(checkpoint.history) if checkpoint else []
    train_epochs(work.folder, plan, work.manifest, checkpoint, history, lambda _: None, (), ranks)


def _held_out(plan: Plan, manifest: Manifest, ranks: Ranks) -> EvalPhotos:
    """Return this process's share of the validation photos."""
    rows = manifest.rows("validation")
    if ranks.world > 1:
        own = ranks.share(len(rows))
        rows = rows.take(np.arange(own.start, own.stop))
    return EvalPhotos(rows, manifest.root, plan.preprocess)


def make_loader(plan: Plan, manifest: Manifest, ranks: Ranks = ALONE) -> TrainLoader:
    """Return the batches of the training photos; of each batch, the share of this process."""
    settings = plan.settings
    size, workers = views_of(settings, plan.preprocess, plan.teacher), int(settings.hardware.workers)
    fill, decoded = plan.preprocess.fill, decoded_cache.decoded(settings, size, ranks.neighbours)
    sides = crop_sizes.sides(settings, plan.solves_head)
    photos = TrainPhotos(
        manifest.rows("train"), manifest.root, settings.augment, size, fill, settings.seed, decoded, sides,
        plan.preprocess.resize,
    )  # fmt: skip
    pinned = settings.hardware.device == "cuda"
    batch = int(settings.optim.batch_size)
    per_class = settings.embedding.per_class if spec_of(settings.task).projects else None
    return TrainLoader(
        photos, batch, settings.seed, workers, pinned, ranks.share, per_class, sampling=settings.data.sampling
    )


def make_state(
    plan: Plan,
    manifest: Manifest,
    schedule: methods.Schedule,
    loader: TrainLoader,
    say: Say,
    ranks: Ranks = ALONE,
) -> TrainState:
    """Return the network on its device, under its loss and its optimizer."""
    settings = plan.settings
    loss = criterion_of(settings, manifest, plan.loss)
    taught = _distillation(plan) if plan.teacher else None
    objective = Objective(plan.network, plan.preprocess, settings, loss, taught)
    state = TrainState(make_fabric(settings, ranks.device), objective, schedule, say, ranks)
    if taught:
        _prepare_teacher(state, taught, loader)
    return state


def _distillation(plan: Plan) -> Distillation:
    settings, teacher = plan.settings, plan.teacher
    assert teacher is not None, "asked for where there is one alone"
    size = crop_sizes.crop(settings, plan.preprocess.size)
    return Distillation(teacher, plan.network, settings.distillation, plan.preprocess, size, settings.seed)


def _prepare_teacher(state: TrainState, distillation: Distillation, loader: TrainLoader) -> None:
    """Bring the teacher to the student; where views never change it answers each photo once and for all."""
    settings, teacher = state.settings, distillation.teacher
    teacher.to(state.device, teacher.network.convolutional)
    views = FixedViews(loader.dataset)
    if views.fixed and not (settings.augment.mixup or settings.augment.cutmix) and teacher.fits_memory(len(views)):
        batches = eval_batches(views, validation_cache.BATCH, int(settings.hardware.workers))
        teacher.remember(batches, state.objective.preprocess, state.device)
