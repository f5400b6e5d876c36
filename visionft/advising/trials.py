"""Some real training steps of one method: the network, batch, precision and photos of `fit`, without its run folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from lightning import Trainer

from visionft import methods
from visionft.advising.timing import Limits, Stopwatch
from visionft.data import Batch, EvalPhotos, Manifest, TrainLoader
from visionft.machine.hardware import peak_memory
from visionft.machine.malloc import keep_freed_memory
from visionft.machine.progress import Advance
from visionft.machine.stop_signals import Interruption
from visionft.planning import plan
from visionft.planning.choices import Choice, open_ones, put
from visionft.planning.memory_efficient import lean
from visionft.planning.plan import Prepared
from visionft.settings import FitSettings
from visionft.training import loop, validation_cache
from visionft.training.callbacks import Lifecycle
from visionft.training.validation_cache import HeldOut


@dataclass(frozen=True)
class Trial:
    """What was measured.

    Attributes:
        epochs: of the whole fit.
        steps: optimizer steps of the whole fit.
        solves_head: whether a fit solves the head first.
        tried: steps that were taken here.
        batch: photos in a step.
        step_seconds: mean over the schedule of each phase's median step.
        peak_memory: of the process in bytes, validation of one batch included, without what a fit remembers of photos
            (`hardware.prefix_bytes`); on a GPU of the device's memory.
        saved_bytes: a photo leaves for the backward pass, in float32, where most is trained.
        trainable: parameters trained where most are.
        stored_bytes: what a run keeps for this task: additions and head, or all weights.
        own_file: whether that is a file of additions, beside a base that tasks can share.
    """

    epochs: int
    steps: int
    solves_head: bool
    tried: int
    batch: int
    step_seconds: float
    peak_memory: int
    saved_bytes: int
    trainable: int
    stored_bytes: int
    own_file: bool

    @property
    def images_per_second(self) -> float:
        """Photos trained a second, over the whole schedule."""
        return self.batch / self.step_seconds


def try_method(settings: FitSettings, manifest: Manifest, limits: Limits, *, advance: Advance) -> Trial:
    """Train for some steps from the start of each phase, and validate on one batch; nothing is written.

    Args:
        settings: as wanted, with "auto".
        manifest: photos of the fit.
        limits: of the steps.
        advance: receives (steps done, steps planned).

    Raises:
        BackboneError, UsageError, MissingExtraError: the backbone or this machine refuses the method.
    """
    keep_freed_memory()
    unkept = open_ones(settings, [Choice("data.cache", "none", "nothing is written")])
    prepared = plan.prepare(put(settings, unkept), manifest, lambda _: None)
    loader = loop.make_loader(prepared, manifest)
    module = loop.make_module(prepared, manifest, loader.steps_per_epoch)
    stopwatch = Stopwatch(module.schedule, limits, advance)
    with TemporaryDirectory() as place, lean(prepared.settings, prepared.network):
        trainer = loop.make_trainer(prepared.settings, Path(place), 1, [Beginning(loader), stopwatch])
        trainer.fit(module, Endless(loader), HeldOut(_one_batch(prepared, manifest), 0))
    loader.close()
    stored, own_file = _stored(prepared, manifest)
    return Trial(
        epochs=module.schedule.epochs,
        steps=module.schedule.total_steps,
        solves_head=prepared.solves_head,
        tried=stopwatch.taken,
        batch=min(int(prepared.settings.optim.batch_size), len(loader.dataset)),
        step_seconds=stopwatch.step_seconds(),
        peak_memory=peak_memory(prepared.settings.hardware.device),
        saved_bytes=stopwatch.saved_bytes,
        trainable=stopwatch.trainable,
        stored_bytes=stored,
        own_file=own_file,
    )


class Endless:
    """The epochs of a loader, one after the other."""

    def __init__(self, loader: TrainLoader) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches for ever."""
        epoch = 0
        while True:
            self.loader.set_epoch(epoch)
            yield from self.loader
            epoch += 1


class Beginning(loop.Start):
    """The start of a fit, without a folder to write to."""

    def __init__(self, loader: TrainLoader) -> None:
        super().__init__(None, Lifecycle(Path(), loader, Interruption(), [], lambda _: None))

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Freeze what the first phase freezes."""
        pl_module.enter_step(pl_module.optimizers())


def _one_batch(prepared: Prepared, manifest: Manifest) -> EvalPhotos:
    """Return as many validation photos as one batch has: they take the memory that validation will take."""
    rows = manifest.rows("validation")
    some = rows.take(np.arange(min(len(rows), validation_cache.BATCH)))
    return EvalPhotos(some, manifest.root, prepared.preprocess)


def _stored(prepared: Prepared, manifest: Manifest) -> tuple[int, bool]:
    settings, network = prepared.settings, prepared.network
    files = methods.adapter_files(network, settings.method, manifest.classes.names, prepared.source.name)
    tensors = network.state_dict() if files is None else files.tensors
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()), files is not None
