"""Some real training steps of one method: the network, batch, precision and photos of `fit`, without its run folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from visionft import methods
from visionft.advising.timing import Limits, Stopwatch
from visionft.data import Batch, EvalPhotos, Manifest, TrainLoader
from visionft.machine.arithmetic import threads
from visionft.machine.memory import keep_freed_memory, peak_memory
from visionft.machine.progress import Advance
from visionft.planning.choices import Choice, open_ones, put
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.plan import Plan, make_plan
from visionft.settings import FitSettings
from visionft.training import validation_cache
from visionft.training.epochs import make_loader, make_state
from visionft.training.frozen_cache import Feed
from visionft.training.loop import train_loop
from visionft.training.step import validate
from visionft.training.validation_cache import ValidationSource


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
    plan = make_plan(put(settings, unkept), manifest, lambda _: None)
    loader = make_loader(plan, manifest)
    schedule = plan.schedule(loader.steps_per_epoch)
    stopwatch = Stopwatch(schedule, limits, advance)
    with threads(int(plan.settings.hardware.threads)), memory_efficient(plan.settings, plan.network):
        state = make_state(plan, manifest, schedule, loader, lambda _: None)
        state.begin(None, Path())
        held_out = ValidationSource(state, _one_batch(plan, manifest), None, Path(), lambda _: None)
        train_loop(state, Endless(loader), held_out, [stopwatch])
        validate(state, held_out.feed().batches)  # its memory is part of a fit's
    loader.close()
    stored, own_file = _stored(plan, manifest)
    return Trial(
        epochs=schedule.epochs,
        steps=schedule.total_steps,
        solves_head=plan.solves_head,
        tried=stopwatch.taken,
        batch=min(int(plan.settings.optim.batch_size), len(loader.dataset)),
        step_seconds=stopwatch.step_seconds(),
        peak_memory=peak_memory(plan.settings.hardware.device),
        saved_bytes=stopwatch.saved_bytes,
        trainable=stopwatch.trainable,
        stored_bytes=stored,
        own_file=own_file,
    )


class Endless:
    """The epochs of a loader as one that never ends."""

    def __init__(self, loader: TrainLoader) -> None:
        self.loader = loader

    def epoch(self, epoch: int, start: int = 0) -> Feed:
        """Return the batches of an epoch and of all that follow it."""
        return Feed(self._batches(epoch, start))

    def _batches(self, first: int, start: int) -> Iterator[Batch]:
        for epoch in count(first):
            self.loader.set_epoch(epoch, start if epoch == first else 0)
            yield from self.loader


def _one_batch(plan: Plan, manifest: Manifest) -> EvalPhotos:
    """Return as many validation photos as one batch has: they take the memory that validation will take."""
    rows = manifest.rows("validation")
    some = rows.take(np.arange(min(len(rows), validation_cache.BATCH)))
    return EvalPhotos(some, manifest.root, plan.preprocess)


def _stored(plan: Plan, manifest: Manifest) -> tuple[int, bool]:
    settings, network = plan.settings, plan.network
    files = methods.adapter_files(network, settings.method, manifest.classes.names, plan.source.name)
    tensors = network.state_dict() if files is None else files.tensors
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()), files is not None
