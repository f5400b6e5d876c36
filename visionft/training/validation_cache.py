"""The validation photos of every epoch: what never changes about them is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from visionft import backbones
from visionft.backbones import Cut
from visionft.data import Batch, EvalPhotos, eval_batches
from visionft.errors import DiskSpaceError
from visionft.machine.progress import Say
from visionft.training import activation_store
from visionft.training.activation_store import ActivationStore, size_of
from visionft.training.ema import same_below
from visionft.training.frozen_cache import Feed, FrozenPhase, TrainSource, activations, frozen_phases
from visionft.training.state import TrainState
from visionft.wording.lists import count

BATCH = 64
TRIED = 40
"""Passes of a photo that it costs to try a cut below the head: fewer are not worth saving."""


class ValidationSource:
    """The validation photos of every epoch, or what they come to before anything that trains.

    Nothing is random about these photos. In a phase with a frozen part it is what that part answers, whatever the views
    of the training photos are; elsewhere it is their pixels. Validated are the final weights, which may be averages: in
    a phase whose frozen part was trained before, theirs still move, so that pixels are what stays.

    Args:
        state: what is validated.
        dataset: the validation photos.
        source: what takes its share of `--hardware.prefix-bytes` first; none: nothing is remembered.
        folder: where a temporary file may be made.
        say: prints one line.
    """

    def __init__(
        self, state: TrainState, dataset: EvalPhotos, source: TrainSource | None, folder: Path, say: Say
    ) -> None:
        self.state, self.dataset, self.source, self.folder, self.say = state, dataset, source, folder, say
        self.labels, self.size = dataset.rows.labels, dataset.preprocess.size
        self.phases = frozen_phases(state.schedule, state.groups, views=1)
        self._present: FrozenPhase | None = None
        self._cut: Cut | None = None
        self._store: ActivationStore | None = None
        self._begun = self._whole = self._refused = False

    def feed(self) -> Feed:
        """Return every photo once: as pixels, or as what crosses a cut of the final network."""
        workers = int(self.state.settings.hardware.workers)
        live = eval_batches(self.dataset, BATCH, workers)
        if self.source is None:
            return Feed(live)
        self._enter()
        return Feed(self._batches(live), self._cut)

    def _batches(self, live: Iterator[Batch]) -> Iterator[Batch]:
        store, cut, n = self._store, self._cut, len(self.labels)
        if store is None:
            yield from live
        elif self._whole:
            for start in range(0, n, BATCH):
                yield store.batch([(0, index) for index in range(start, min(start + BATCH, n))])
        else:
            for pixels, labels, indices in live:
                answer = activations(self.state, cut, pixels) if cut else pixels
                store.put(0, indices, answer)
                yield answer, labels, indices
            self._whole = True

    def _enter(self) -> None:
        """Decide once in each phase, after its first epoch here, what is remembered."""
        phase = self.state.schedule.phase(self.state.step - 1) + 1
        present = next((one for one in self.phases if one.number == phase), None)
        if self._begun and present == self._present:
            return
        self._begun, self._present = True, present
        frozen = self._frozen(present) if present else None
        if frozen:
            (self._cut, self._store), self._whole = frozen, False
        elif self._store is None or self._cut:
            self._cut, self._store, self._whole = None, self._pixels(), False

    def _epochs_left(self, end: int) -> int:
        return end - self.state.epoch

    def _frozen(self, phase: FrozenPhase) -> tuple[Cut, ActivationStore] | None:
        """Cut the validated network where a phase's frozen part ends, and make room for what crosses the cut."""
        passes = len(self.labels) * self._epochs_left(phase.first + phase.epochs)
        if passes <= (TRIED if phase.level < self.state.depth_map.head else 0):
            return None
        photos, final = f"phase {phase.number}: {self._photos}", self.state.final_network
        found: tuple[Cut, ActivationStore] | str = "the averages of its weights still move"
        if same_below(phase.level, self.state.network, final):
            cut = backbones.cut(final, phase.level, self.size)
            found = self._room(cut) if cut else f"{final.name} cannot be cut there or below"
        if isinstance(found, str):
            self.say(f"{photos} run through its frozen part in each epoch, as {found}")
            return None
        self.say(f"{photos} run through its frozen part once ({found[1]})")
        return found

    def _room(self, cut: Cut) -> tuple[Cut, ActivationStore] | str:
        like = activations(self.state, cut, torch.zeros(1, *cut.size, 3, dtype=torch.uint8))
        needed = size_of(1, len(self.labels), like)
        if needed > self._left:
            return f"their answers need {needed:,} bytes, and --hardware.prefix-bytes leaves {self._left:,}"
        try:
            return cut, ActivationStore(1, self.labels, like, self.folder)
        except DiskSpaceError as error:
            return str(error)

    def _pixels(self) -> ActivationStore | None:
        """Make room for the pixels in memory: from a file they would come no sooner than from the photos."""
        if self._refused or not self._epochs_left(self.state.schedule.epochs):
            return None
        like = torch.zeros(1, *self.size, 3, dtype=torch.uint8)
        needed, left = size_of(1, len(self.labels), like), min(self._left, activation_store.IN_MEMORY)
        if needed > left:
            self._refused = True
            self.say(
                f"{self._photos} are decoded in each epoch: they need {needed:,} bytes, and {left:,} may be kept "
                "(--hardware.prefix-bytes, a gigabyte at most)"
            )
            return None
        store = ActivationStore(1, self.labels, like, self.folder)
        self.say(f"{self._photos} are decoded once ({store})")
        return store

    @property
    def _photos(self) -> str:
        each = " a process" if self.state.ranks.world > 1 else ""
        return count(len(self.labels), "validation photo") + each

    @property
    def _left(self) -> int:
        return self.state.settings.hardware.prefix_bytes - (self.source.bytes if self.source else 0)
