"""The validation photos of every epoch: what never changes about them is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from visionft import backbones
from visionft.backbones import Cut
from visionft.data import EvalPhotos, eval_batches
from visionft.data.sources.listing import count
from visionft.errors import DiskSpaceError
from visionft.machine.progress import Say
from visionft.training import activation_store
from visionft.training.activation_store import Crossings, size_of
from visionft.training.ema import same_below
from visionft.training.frozen_cache import FrozenPhase, Prefixes, crossing, frozen_phases
from visionft.training.module import Batch, Classifier

BATCH = 64
TRIED = 40
"""Passes of a photo that it costs to try a cut below the head: fewer are not worth saving."""


class HeldOut:
    """The validation photos, as often as they are asked for.

    Args:
        dataset: the photos.
        workers: processes that decode them.
        recall: what is remembered of them; none: they are decoded each time.
    """

    def __init__(self, dataset: EvalPhotos, workers: int, recall: Recall | None = None) -> None:
        self.dataset, self.workers, self.recall = dataset, workers, recall

    def __iter__(self) -> Iterator[Batch]:
        """Yield every photo once."""
        batches = eval_batches(self.dataset, BATCH, self.workers)
        return self.recall.batches(batches) if self.recall else batches


class Recall:
    """What validation photos come to before anything that trains: computed in one epoch, remembered for the others.

    Nothing is random about these photos. In a phase with a frozen part it is what that part answers, whatever the views
    of the training photos are; elsewhere it is their pixels. Validated are the final weights, which may be averages: in
    a phase whose frozen part was trained before, theirs still move, so that pixels are what stays.

    Args:
        module: what is validated.
        dataset: the validation photos.
        prefixes: what takes its share of `--hardware.prefix-bytes` first.
        folder: where a temporary file may be made.
        say: prints one line.
    """

    def __init__(self, module: Classifier, dataset: EvalPhotos, prefixes: Prefixes, folder: Path, say: Say) -> None:
        self.module, self.prefixes, self.folder, self.say = module, prefixes, folder, say
        self.labels, self.size = dataset.rows.labels, dataset.preprocess.size
        self.phases = frozen_phases(module.schedule, module.groups, views=1)
        self._present: FrozenPhase | None = None
        self._table: Crossings | None = None
        self._begun = self._whole = self._refused = False

    def batches(self, live: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches for the module's validation: photos, or what crosses `module.held_out_cut`."""
        self._enter()
        cut, table = self.module.held_out_cut, self._table
        if table is None:
            yield from live
        elif self._whole:
            n = len(self.labels)
            for start in range(0, n, BATCH):
                yield table.batch([(0, index) for index in range(start, min(start + BATCH, n))])
        else:
            for pixels, labels, indices in live:
                answer = crossing(self.module, cut, pixels) if cut else pixels
                table.put(0, indices, answer)
                yield answer, labels, indices
            self._whole = True

    def _enter(self) -> None:
        """Decide once in each phase, after its first epoch here, what is remembered."""
        phase = self.module.schedule.phase(self.module.step - 1) + 1
        present = next((one for one in self.phases if one.number == phase), None)
        if self._begun and present == self._present:
            return
        self._begun, self._present = True, present
        with torch.inference_mode(False):  # Lightning's validation is in it, and a cut is tried by its gradients
            halves = self._halves(present) if present else None
            if halves:
                self.module.held_out_cut, self._table = halves
                self._whole = False
            elif self._table is None or self.module.held_out_cut:
                self.module.held_out_cut, self._table, self._whole = None, self._pixels(), False

    def _epochs_left(self, end: int) -> int:
        return end - self.module.step // self.module.schedule.steps_per_epoch

    def _halves(self, phase: FrozenPhase) -> tuple[Cut, Crossings] | None:
        """Cut the validated network where a phase's frozen part ends, and make room for what crosses the cut."""
        passes = len(self.labels) * self._epochs_left(phase.first + phase.epochs)
        if passes <= (TRIED if phase.level < self.module.depth_map.head else 0):
            return None
        photos, final = f"phase {phase.number}: {self._photos}", self.module.final_network
        found: tuple[Cut, Crossings] | str = "the averages of its weights still move"
        if same_below(phase.level, self.module.network, final):
            cut = backbones.cut(final, phase.level, self.size)
            found = self._room(cut) if cut else f"{final.name} cannot be cut there or below"
        if isinstance(found, str):
            self.say(f"{photos} run through its frozen part in each epoch, as {found}")
            return None
        self.say(f"{photos} run through its frozen part once ({found[1]})")
        return found

    def _room(self, cut: Cut) -> tuple[Cut, Crossings] | str:
        like = crossing(self.module, cut, torch.zeros(1, *cut.size, 3, dtype=torch.uint8))
        needed = size_of(1, len(self.labels), like)
        if needed > self._left:
            return f"their answers need {needed:,} bytes, and --hardware.prefix-bytes leaves {self._left:,}"
        try:
            return cut, Crossings(1, self.labels, like, self.folder)
        except DiskSpaceError as error:
            return str(error)

    def _pixels(self) -> Crossings | None:
        """Make room for the pixels in memory: from a file they would come no sooner than from the photos."""
        if self._refused or not self._epochs_left(self.module.schedule.epochs):
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
        table = Crossings(1, self.labels, like, self.folder)
        self.say(f"{self._photos} are decoded once ({table})")
        return table

    @property
    def _photos(self) -> str:
        return count(len(self.labels), "validation photo")

    @property
    def _left(self) -> int:
        return self.module.settings.hardware.prefix_bytes - self.prefixes.bytes
