"""Phases whose lower part is frozen: it runs once for each view of a photo, and training goes on from there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from visionft import backbones, methods
from visionft.backbones import Cut
from visionft.data import Batch, FixedViews, TrainLoader, eval_batches
from visionft.errors import DiskSpaceError
from visionft.machine.progress import Advance, Say
from visionft.machine.stop_signals import Interruption
from visionft.methods import Group, Schedule
from visionft.planning.precision import DTYPES
from visionft.settings import FitSettings
from visionft.training.activation_store import ActivationStore, size_of
from visionft.training.eta import spoken
from visionft.training.state import TrainState
from visionft.wording.lists import count as counted

BATCH = 32  # photos a pass; the same whenever it is done again, so that a resumed run meets the same numbers
TIMED = 4  # passes whose rate is taken for all
WORTH_SAYING = 5.0  # seconds of waiting


@dataclass(frozen=True)
class FrozenPhase:
    """A phase in which views come again.

    Attributes:
        number: from 1.
        first: its first epoch, counted from 0.
        epochs: how many it has.
        level: the lowest level at which anything trains.
        views: of each photo, fewer than its epochs.
    """

    number: int
    first: int
    epochs: int
    level: int
    views: int


def frozen_phases(schedule: Schedule, groups: Iterable[Group], views: int) -> tuple[FrozenPhase, ...]:
    """Return the phases that have a frozen part and more epochs than views."""
    groups = tuple(groups)
    found: list[FrozenPhase] = []
    for number, stretch in enumerate(schedule.stretches, 1):
        first, epochs = (steps // schedule.steps_per_epoch for steps in (stretch.start, stretch.steps))
        level = methods.frozen_below(groups, schedule.at(stretch.start))
        if level > 0 and epochs > views:
            found.append(FrozenPhase(number, first, epochs, level, views))
    return tuple(found)


def obstacle(settings: FitSettings) -> str | None:
    """Return why no output of a frozen part could be used twice, or none."""
    for name in ("mixup", "cutmix"):
        if getattr(settings.augment, name):
            return f"--augment.{name} mixes the pixels of two photos, other ones in each step"
    return "--distill shows the teacher the pixels of each view" if settings.distill else None


@dataclass(frozen=True)
class Feed:
    """The batches of one epoch.

    Attributes:
        batches: photos uint8 [B, H, W, 3], or activations [B, ...]; labels int64 [B]; rows int64 [B].
        cut: what reads activations from there on; none: the batches are photos.
    """

    batches: Iterator[Batch]
    cut: Cut | None = None


class TrainSource:
    """Where the batches of each epoch come from: photos, or what a frozen part of the network once made of them.

    Args:
        state: in the state in which training goes on once an epoch is asked for.
        loader: of the training photos.
        folder: where a temporary file may be made.
        interruption: looked at after each pass.
        advance: receives (photos done, photos planned).
        say: prints one line.
    """

    def __init__(
        self,
        state: TrainState,
        loader: TrainLoader,
        folder: Path,
        interruption: Interruption,
        advance: Advance,
        say: Say,
    ) -> None:
        self.state, self.loader, self.folder, self.ranks = state, loader, folder, state.ranks
        self.interruption, self.advance, self.say = interruption, advance, say
        views, hindered = state.settings.augment.views, obstacle(state.settings)
        found = frozen_phases(state.schedule, state.groups, views) if isinstance(views, int) else ()
        if found and hindered:
            say(_pixels(found, f"though its lower part is frozen: {hindered}"))
        self.phases = () if hindered else found
        self._present: FrozenPhase | None = None
        self._cut: Cut | None = None
        self._store: ActivationStore | None = None

    @property
    def bytes(self) -> int:
        """Bytes of what is remembered in the present phase."""
        return self._store.bytes if self._store else 0

    def epoch(self, epoch: int, start: int = 0) -> Feed:
        """Return the batches of an epoch from batch `start` on."""
        phase = self._enter(epoch)
        self.loader.set_epoch(epoch, start, view=epoch % phase.views if phase and self._cut else None)
        if self._store is None:
            return Feed(iter(self.loader))
        self.loader.close()
        return Feed(map(self._store.batch, self.loader.samples()), self._cut)

    def _enter(self, epoch: int) -> FrozenPhase | None:
        phase = next((one for one in self.phases if one.first <= epoch < one.first + one.epochs), None)
        if phase != self._present:
            self._present, self._cut, self._store = phase, None, None
            if phase is not None:
                self._cut = self._found(phase)
                self._store = self._filled(phase, self._cut) if self._cut else None
        return phase

    def _found(self, phase: FrozenPhase) -> Cut | None:
        network = self.state.network
        found = backbones.cut(network, phase.level, self.loader.dataset.augment.size)
        if self.ranks.any(found is None):
            found = None
            below = f"its part below level {phase.level} is frozen, but {network.name} cannot be cut there or below"
            self.say(_pixels([phase], f"as {below}"))
        return found

    def _filled(self, phase: FrozenPhase, cut: Cut) -> ActivationStore | None:
        labels, budget = self.loader.dataset.rows.labels, self.state.settings.hardware.prefix_bytes
        like = activations(self.state, cut, torch.zeros(1, *cut.size, 3, dtype=torch.uint8))
        needed = size_of(phase.views, len(labels), like)
        if needed > budget:
            self.say(
                f"phase {phase.number} computes its frozen part in each epoch: {counted(phase.views, 'view')} of "
                f"{len(labels):,} photos need {needed:,} bytes, and --hardware.prefix-bytes allows {budget:,}"
            )
            return None
        store, obstacle = None, "another process has no room for what it answers"
        try:
            store = ActivationStore(phase.views, labels, like, self.folder)
        except DiskSpaceError as error:
            obstacle = str(error)
        if self.ranks.any(store is None) or store is None:
            self.say(f"phase {phase.number} computes its frozen part in each epoch: {obstacle}")
            return None
        began = time.monotonic()
        self._fill(phase, cut, store)
        line = told(phase, cut, self.state.depth_map.levels, len(labels), store, time.monotonic() - began)
        self.say(f"{line}; they run without torch.compile" if self.state.settings.hardware.compile else line)
        return store

    def _fill(self, phase: FrozenPhase, cut: Cut, store: ActivationStore) -> None:
        """Remember all photos: each process computes its share of them, and gets the others'."""
        self._compute(phase, cut, store)
        self.interruption.agree(self.ranks.most)
        if self.interruption.signal is not None:
            raise KeyboardInterrupt  # what was written before this phase is where it begins again
        for table in store.tables():
            self.ranks.spread(table)

    def _compute(self, phase: FrozenPhase, cut: Cut, store: ActivationStore) -> None:
        dataset, workers = self.loader.dataset, int(self.state.settings.hardware.workers)
        own = self.ranks.share(len(dataset))
        total, began, passes = phase.views * (own.stop - own.start), time.monotonic(), count(1)
        for view in range(phase.views):
            for pixels, _, indices in eval_batches(FixedViews(dataset, view, own), BATCH, workers):
                store.put(view, indices, activations(self.state, cut, pixels))
                if self.interruption.signal is not None:
                    return
                done = next(passes)
                self.advance(min(done * BATCH, total), total)
                left = (time.monotonic() - began) / done / BATCH * (total - done * BATCH)
                if done == TIMED and left > WORTH_SAYING:
                    self.say(f"frozen part of phase {phase.number}: {total:,} views, about {spoken(left)} from now")


@torch.no_grad()
def activations(state: TrainState, cut: Cut, pixels: Tensor) -> Tensor:
    """Return what photos uint8 [B, H, W, 3] make cross a cut, [B, ...], in the arithmetic of the state's steps."""
    dtype = DTYPES[state.settings.hardware.precision]
    x = backbones.normalise(pixels, state.objective.preprocess, state.device)
    with backbones.eval_mode(cut.network), torch.autocast(state.device.type, dtype, enabled=dtype is not None):
        return cut.prefix(x)


def told(phase: FrozenPhase, cut: Cut, levels: int, photos: int, store: ActivationStore, seconds: float) -> str:
    """Return what was remembered, and what it saves, in one line."""
    allowed = f" ({phase.level} would be frozen, but cannot be cut there)" if cut.level < phase.level else ""
    saved = seconds * (phase.epochs / phase.views - 1)
    return (
        f"phase {phase.number} trains from level {cut.level} of {levels - 1}{allowed}: what lies below is frozen, and "
        f"ran once for {counted(phase.views, 'view')} of {photos:,} photos, in {spoken(seconds)} "
        f"({store}); {phase.epochs} epochs save about {spoken(saved)} by it"
    )


def _pixels(phases: Iterable[FrozenPhase], reason: str) -> str:
    numbers = [str(phase.number) for phase in phases]
    which = f"phase {numbers[0]} trains" if len(numbers) == 1 else f"phases {', '.join(numbers)} train"
    return f"{which} from pixels, with new views in each epoch, {reason}"
