"""The part of a run that Lightning drives."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback

from visionft import backbones, methods
from visionft.data import EvalPhotos, FixedViews, Manifest, TrainLoader, TrainPhotos, eval_batches
from visionft.machine.progress import Say, bar
from visionft.machine.stop_signals import Interrupted, watching
from visionft.planning import crop_sizes, decoded_cache
from visionft.planning.memory_efficient import lean
from visionft.planning.plan import Prepared, views_of
from visionft.runs import layout
from visionft.runs.history import Epoch, no_longer_better, write_csv
from visionft.settings import FitSettings
from visionft.training import validation_cache
from visionft.training.callbacks import Lifecycle, StopAskedError
from visionft.training.checkpoint import Checkpoint
from visionft.training.distillation import Distillation
from visionft.training.ema import AveragedNetwork
from visionft.training.eta import Foretelling
from visionft.training.frozen_cache import Prefixes
from visionft.training.l2_sp import StartPull
from visionft.training.losses import balanced
from visionft.training.module import Classifier, scaler_of
from visionft.training.validation_cache import HeldOut, Recall

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def train_epochs(
    folder: Path, prepared: Prepared, manifest: Manifest, checkpoint: Checkpoint | None, history: list[Epoch], say: Say
) -> None:
    """Train until the schedule ends; best weights and checkpoints are in the folder afterwards.

    Raises:
        Interrupted: a signal came; the checkpoint is written.
    """
    settings = prepared.settings
    loader = make_loader(prepared, manifest)
    module = make_module(prepared, manifest, loader.steps_per_epoch)
    if module.schedule.total_steps <= (checkpoint.step if checkpoint else 0):
        return
    if no_longer_better(history, settings.optim.patience):
        return  # stopped early, and killed before the end
    with lean(settings, module.network), watching() as interruption, bar("training") as advance:
        lifecycle = Lifecycle(folder, loader, interruption, history, say)
        loader.recurring = prefixes = Prefixes(module, loader, folder, interruption, advance, say)
        callbacks: list[Callback] = [Start(checkpoint, lifecycle), lifecycle, Foretelling(loader, advance, say)]
        trainer = make_trainer(settings, folder, module.schedule.epochs, callbacks)
        start = checkpoint.step if checkpoint else 0
        loader.set_epoch(start // loader.steps_per_epoch, start % loader.steps_per_epoch)
        _count_epochs_from(trainer, start // loader.steps_per_epoch)
        photos = EvalPhotos(manifest.rows("validation"), manifest.root, prepared.preprocess)
        recall = Recall(module, photos, prefixes, folder, say)
        try:
            trainer.fit(module, loader, HeldOut(photos, int(settings.hardware.workers), recall))
        except (StopAskedError, SystemExit) as stop:
            raise Interrupted(
                interruption.signal or 2, f"interrupted; the same command goes on with {folder}"
            ) from stop


class Start(Callback):
    """Put the module on its device into the state where training begins or goes on."""

    def __init__(self, checkpoint: Checkpoint | None, lifecycle: Lifecycle) -> None:
        self.checkpoint = checkpoint
        self.lifecycle = lifecycle

    def on_fit_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Load the checkpoint, or write the first one."""
        settings, checkpoint = pl_module.settings, self.checkpoint
        if settings.hardware.channels_last:
            pl_module.network.to(memory_format=torch.channels_last)
        if checkpoint:
            pl_module.network.load_state_dict(checkpoint.network)
        if pl_module.distillation:
            self._ready(pl_module)
        if settings.optim.ema:
            pl_module.averaged = AveragedNetwork(pl_module.network, settings.optim.ema, pl_module.fixed)
            if checkpoint and checkpoint.averaged:
                pl_module.averaged.load_state_dict(checkpoint.averaged)
        if settings.optim.l2_sp:
            pl_module.pull = self._pull(pl_module)
        if checkpoint:
            pl_module.optimizers().optimizer.load_state_dict(checkpoint.optimizer)
            if (scaler := scaler_of(pl_module)) is not None and checkpoint.scaler:
                scaler.load_state_dict(checkpoint.scaler)
            if pl_module.distillation:
                pl_module.distillation.load_state_dict(checkpoint.beside)
            pl_module.restore(checkpoint.step, checkpoint.micro_batch, checkpoint.pending_loss)

    def _ready(self, module: Classifier) -> None:
        """Bring the teacher to the student; where views never change it answers each photo once and for all."""
        assert module.distillation is not None, "asked for where there is one alone"
        settings, teacher = module.settings, module.distillation.teacher
        teacher.to(module.device, teacher.network.convolutional)
        views = FixedViews(self.lifecycle.loader.dataset)
        if views.fixed and not (settings.augment.mixup or settings.augment.cutmix) and teacher.fits_memory(len(views)):
            batches = eval_batches(views, validation_cache.BATCH, int(settings.hardware.workers))
            teacher.remember(batches, module.preprocess, module.device)

    def _pull(self, module: Classifier) -> StartPull:
        groups = [group for group in module.groups if group.role in module.schedule.roles]
        pull = StartPull(module.network, groups, module.settings.optim.l2_sp)
        if self.checkpoint:
            pull.load(self.lifecycle.folder / layout.START)
        return pull

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Keep the solved head: a kill in the first epoch need not solve it again."""
        pl_module.enter_step(pl_module.optimizers())
        if self.checkpoint is None:
            self.lifecycle.write_start(pl_module)
            if self.lifecycle.history:
                self.lifecycle.write_best(pl_module)
                write_csv(self.lifecycle.folder / layout.METRICS, self.lifecycle.history)
            self.lifecycle.checkpoint(pl_module)


def make_loader(prepared: Prepared, manifest: Manifest) -> TrainLoader:
    """Return the batches of the training photos."""
    settings = prepared.settings
    size, workers = views_of(settings, prepared.preprocess, prepared.teacher), int(settings.hardware.workers)
    fill, decoded = prepared.preprocess.fill, decoded_cache.decoded(settings, size)
    photos = TrainPhotos(
        manifest.rows("train"),
        manifest.root,
        settings.augment,
        size,
        fill,
        settings.seed,
        decoded,
        crop_sizes.sides(settings, prepared.solves_head),
    )
    return TrainLoader(
        photos,
        int(settings.optim.batch_size),
        settings.seed,
        workers,
        pin_memory=settings.hardware.device == "cuda",
    )


def make_module(prepared: Prepared, manifest: Manifest, steps_per_epoch: int) -> Classifier:
    """Return the network under its schedule."""
    settings = prepared.settings
    levels = backbones.depth_map(prepared.network).levels
    facts = methods.Facts(levels, steps_per_epoch, int(settings.epochs), prepared.solves_head)
    schedule = methods.schedule(settings.method, settings.optim, facts)
    counts = manifest.counts()["train"]
    weights = (
        balanced([counts.get(name, 0) for name in manifest.classes])
        if settings.optim.class_weights == "balanced"
        else None
    )
    taught = _distillation(prepared) if prepared.teacher else None
    return Classifier(prepared.network, prepared.preprocess, schedule, settings, weights, taught)


def _distillation(prepared: Prepared) -> Distillation:
    settings, teacher = prepared.settings, prepared.teacher
    assert teacher is not None, "asked for where there is one alone"
    size = crop_sizes.crop(settings, prepared.preprocess.size)
    return Distillation(teacher, prepared.network, settings.distillation, prepared.preprocess, size, settings.seed)


def make_trainer(settings: FitSettings, folder: Path, epochs: int, callbacks: list[Callback]) -> Trainer:
    """Return a silent trainer that writes nothing by itself."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    return Trainer(
        accelerator="gpu" if settings.hardware.device == "cuda" else "cpu",
        devices=1,
        precision=PRECISIONS[settings.hardware.precision],  # type: ignore[arg-type]  # Lightning's literal type
        max_epochs=epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        # One process, whatever a scheduler's variables say. Under SLURM Lightning would write checkpoints of its own at
        # SIGUSR1 into the working folder, and the next fit that is started there, any fit, would go on from them.
        plugins=[LightningEnvironment()],
        default_root_dir=folder,
    )


def _count_epochs_from(trainer: Trainer, epoch: int) -> None:
    """Let Lightning count from the epoch that a resumed run is in; our step decides everything else."""
    progress: Any = trainer.fit_loop.epoch_progress.current
    progress.ready = progress.started = progress.processed = progress.completed = epoch
