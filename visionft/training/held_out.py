"""The validation photos of every epoch; what is frozen while a phase lasts need not answer them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from visionft import backbones
from visionft.backbones import Cut
from visionft.data import EvalPhotos, eval_batches
from visionft.data.listing import count
from visionft.errors import DiskSpaceError
from visionft.training.averaging import same_below
from visionft.training.module import Batch, Classifier
from visionft.training.prefixes import FrozenPhase, Prefixes, crossing, frozen_phases
from visionft.training.progress import Say
from visionft.training.remembering import Crossings, size_of

BATCH = 64


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
    """What the frozen part of a phase answers for the validation photos, from its first validation on.

    Nothing is random about these photos, so that this needs no fixed views: it serves every phase with a frozen part.
    Validated are the final weights, which may be averages: in a phase whose frozen part was trained before, theirs
    still move, and nothing is remembered.

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
        self._crossings: Crossings | None = None
        self._whole = False

    def batches(self, live: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches for the module's validation: photos, or what crosses `module.held_out_cut`."""
        self._enter()
        cut, crossings = self.module.held_out_cut, self._crossings
        if cut is None or crossings is None:
            yield from live
        elif self._whole:
            n = len(self.labels)
            for start in range(0, n, BATCH):
                yield crossings.batch([(0, index) for index in range(start, min(start + BATCH, n))])
        else:
            for pixels, labels, indices in live:
                answer = crossing(self.module, cut, pixels)
                crossings.put(0, indices, answer)
                yield answer, labels, indices
            self._whole = True

    def _enter(self) -> None:
        """Look at a phase once, after its first epoch here."""
        phase = self.module.schedule.phase(self.module.step - 1) + 1
        present = next((one for one in self.phases if one.number == phase), None)
        if present != self._present:
            self._present, self._crossings, self._whole = present, None, False
            self.module.held_out_cut = self._made(present) if present and not self._last_of(present) else None

    def _last_of(self, phase: FrozenPhase) -> bool:
        an_epoch = self.module.schedule.steps_per_epoch
        return self.module.step // an_epoch >= phase.first + phase.epochs

    def _made(self, phase: FrozenPhase) -> Cut | None:
        with torch.inference_mode(False):  # Lightning's validation is in it, and a cut is tried by its gradients
            found = self._prepared(phase)
        photos = f"phase {phase.number}: {count(len(self.labels), 'validation photo')}"
        if isinstance(found, str):
            self.say(f"{photos} pass its frozen part in each epoch, as {found}")
            return None
        cut, self._crossings = found
        self.say(f"{photos} pass its frozen part once ({self._crossings.bytes / 1e6:,.1f} MB)")
        return cut

    def _prepared(self, phase: FrozenPhase) -> tuple[Cut, Crossings] | str:
        """Return where the validated network is cut and what remembers, or why there is none."""
        final, left = self.module.final_network, self.module.settings.hardware.prefix_bytes - self.prefixes.bytes
        if not same_below(phase.level, self.module.network, final):
            return "the averages of its weights still move"
        cut = backbones.cut(final, phase.level, self.size)
        if cut is None:
            return f"{final.name} cannot be cut there or below"
        like = crossing(self.module, cut, torch.zeros(1, *cut.size, 3, dtype=torch.uint8))
        needed = size_of(1, len(self.labels), like)
        if needed > left:
            return f"their answers need {needed:,} bytes, and --hardware.prefix-bytes leaves {left:,}"
        try:
            return cut, Crossings(1, self.labels, like, self.folder)
        except DiskSpaceError as error:
            return str(error)
