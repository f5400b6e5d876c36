"""The part of a run that trains by epochs: its state, its batches and its listeners, from a plan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from signal import SIGINT

from visionft import backbones, methods
from visionft.data import EvalPhotos, FixedViews, Manifest, TrainLoader, TrainPhotos, eval_batches
from visionft.machine.progress import Say, bar
from visionft.machine.stop_signals import Interrupted, watching
from visionft.planning import crop_sizes, decoded_cache
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.plan import Plan, views_of
from visionft.runs import layout
from visionft.runs.history import Epoch, no_longer_better
from visionft.runs.learning import learning_of
from visionft.training import validation_cache
from visionft.training.checkpoint import Checkpoint
from visionft.training.distillation import Distillation
from visionft.training.early_stopping import EarlyStopping, StopOnSignal
from visionft.training.eta import Eta
from visionft.training.fabric import make_fabric
from visionft.training.frozen_cache import TrainSource
from visionft.training.listeners import Listener
from visionft.training.loop import train_loop
from visionft.training.objective import Objective
from visionft.training.run_writer import RunWriter
from visionft.training.state import TrainState
from visionft.training.validation_cache import ValidationSource


def train_epochs(
    folder: Path,
    plan: Plan,
    manifest: Manifest,
    checkpoint: Checkpoint | None,
    history: list[Epoch],
    say: Say,
    listeners: Iterable[Listener] = (),
) -> None:
    """Train until the schedule ends; best weights and checkpoints are in the folder afterwards.

    Raises:
        Interrupted: a signal came; the checkpoint is written.
    """
    loader = make_loader(plan, manifest)
    schedule = make_schedule(plan, loader.steps_per_epoch)
    if schedule.total_steps <= (checkpoint.step if checkpoint else 0):
        return
    if no_longer_better(history, plan.settings.optim.patience):
        return  # stopped early, and killed before the end
    with memory_efficient(plan.settings, plan.network), watching() as interruption, bar("training") as advance:
        try:
            state = make_state(plan, manifest, schedule, loader, say)
            state.begin(checkpoint, folder / layout.START)
            source = TrainSource(state, loader, folder, interruption, advance, say)
            photos = EvalPhotos(manifest.rows("validation"), manifest.root, plan.preprocess)
            held_out = ValidationSource(state, photos, source, folder, say)
            own = [
                RunWriter(folder, history, checkpoint is None, say),
                Eta(loader, advance, say),
                EarlyStopping(history, say),
                StopOnSignal(interruption),
            ]
            train_loop(state, source, held_out, [*own, *listeners])
        except KeyboardInterrupt:
            interruption.signal = interruption.signal or SIGINT
        finally:
            loader.close()
        if interruption.signal is not None:
            raise Interrupted(interruption.signal, f"interrupted; the same command goes on with {folder}")


def make_loader(plan: Plan, manifest: Manifest) -> TrainLoader:
    """Return the batches of the training photos."""
    settings = plan.settings
    size, workers = views_of(settings, plan.preprocess, plan.teacher), int(settings.hardware.workers)
    fill, decoded = plan.preprocess.fill, decoded_cache.decoded(settings, size)
    sides = crop_sizes.sides(settings, plan.solves_head)
    photos = TrainPhotos(
        manifest.rows("train"), manifest.root, settings.augment, size, fill, settings.seed, decoded, sides
    )
    pinned = settings.hardware.device == "cuda"
    return TrainLoader(photos, int(settings.optim.batch_size), settings.seed, workers, pin_memory=pinned)


def make_schedule(plan: Plan, steps_per_epoch: int) -> methods.Schedule:
    """Return what trains at which step."""
    settings = plan.settings
    levels = backbones.depth_map(plan.network).levels
    facts = methods.Facts(levels, steps_per_epoch, int(settings.epochs), plan.solves_head)
    return methods.schedule(settings.method, settings.optim, facts)


def make_state(plan: Plan, manifest: Manifest, schedule: methods.Schedule, loader: TrainLoader, say: Say) -> TrainState:
    """Return the network on its device, under its loss and its optimizer."""
    settings = plan.settings
    loss = learning_of(settings.task).criterion(settings, manifest)
    taught = _distillation(plan) if plan.teacher else None
    objective = Objective(plan.network, plan.preprocess, settings, loss, taught)
    state = TrainState(make_fabric(settings), objective, schedule, say)
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
