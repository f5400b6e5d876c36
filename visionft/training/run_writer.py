"""What a training leaves in its run folder: a row an epoch, the best weights, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path

from visionft import methods
from visionft.errors import RunError
from visionft.machine.progress import Say
from visionft.runs import layout
from visionft.runs.criterion import Figures
from visionft.runs.history import Epoch, best, write_csv
from visionft.runs.weights_file import write_weights
from visionft.tasks.registry import DEFAULT, spec_of
from visionft.training.callbacks import Listener
from visionft.training.state import TrainState


class RunWriter(Listener):
    """Keep the run folder up to date.

    Args:
        folder: the run folder.
        history: rows so far; grows here.
        fresh: whether training begins here, and does not go on after a checkpoint.
        say: prints one line.
    """

    def __init__(self, folder: Path, history: list[Epoch], fresh: bool, say: Say) -> None:
        self.folder, self.history, self.fresh, self.say = folder, history, fresh, say
        self._epoch_began = self._trained_until = self._checkpointed = time.monotonic()
        self._photos = 0
        self._saved = -1

    def started(self, state: TrainState) -> None:
        """Keep the solved head: a kill in the first epoch need not solve it again."""
        if self.fresh:
            self.write_start(state)
            if self.history:
                self.write_best(state)
                write_csv(self.folder / layout.METRICS, self.history, state.settings.task)
            self.checkpoint(state)
        self._begin_epoch()

    def stepped(self, state: TrainState, photos: int) -> None:
        """Write a checkpoint when the last one is old; not where the epoch's validation, which writes one, is next."""
        self._photos += photos
        self._trained_until = time.monotonic()
        old = self._trained_until - self._checkpointed >= state.settings.hardware.checkpoint_seconds
        if old and state.step % state.schedule.steps_per_epoch:
            self.checkpoint(state)

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Write the epoch's row, its weights if they are the best, and a checkpoint."""
        row = self._row(state, figures)
        _require_finite(row, self.folder)
        self.history.append(row)
        write_csv(self.folder / layout.METRICS, self.history, state.settings.task)
        if best(self.history, state.settings.task) is row:
            self.write_best(state)
        self.say(sentence(row, state.schedule.epochs, state.settings.hardware.precision, state.settings.task))
        self.checkpoint(state)
        self._begin_epoch()

    def finished(self, state: TrainState) -> None:
        """Write a checkpoint if the last one is not of the last step."""
        if state.step != self._saved:
            self.checkpoint(state)

    def lost(self, state: TrainState) -> None:
        """Keep the steps since the last checkpoint where another process ended inside an epoch.

        Not where statistics of norms are of batches: the step that failed has moved them. Nor between a last step and
        its validation, which would be left out.
        """
        unsaved = state.step > self._saved and state.step % state.schedule.steps_per_epoch
        if unsaved and state.settings.optim.norm_statistics == "frozen":
            self.checkpoint(state)

    def checkpoint(self, state: TrainState) -> None:
        """Write the state after the last finished step."""
        state.checkpoint(self.history).save(self.folder / layout.CHECKPOINT)
        self._checkpointed, self._saved = time.monotonic(), state.step
        state.written = self.folder / layout.CHECKPOINT

    def write_start(self, state: TrainState) -> None:
        """Write the weights that training starts from, in the form of the final ones."""
        start = copy.deepcopy(state.network).to("cpu")
        methods.fold(start, state.settings.method)
        write_weights(self.folder / layout.START, start)

    def write_best(self, state: TrainState) -> None:
        """Write the weights that would be exported now, with their epoch: they may be used before the end."""
        write_weights(self.folder / layout.BEST, state.final_network, epoch=self.history[-1].epoch)

    def _begin_epoch(self) -> None:
        self._epoch_began, self._photos = time.monotonic(), 0

    def _row(self, state: TrainState, figures: Figures) -> Epoch:
        last = state.schedule.at(state.step - 1)
        return Epoch(
            epoch=state.epoch,
            phase=state.schedule.phase(state.step - 1) + 1,
            step=state.step,
            lr=max(last.lr(group.depth, group.role) for group in state.groups),
            train_loss=state.take_loss(),
            val_loss=figures.loss,
            val_score=figures.score,
            seconds=time.monotonic() - self._epoch_began,
            images_per_second=self._photos / max(self._trained_until - self._epoch_began, 1e-9),
        )


def sentence(row: Epoch, epochs: int, precision: str = "fp32", task: str = DEFAULT) -> str:
    """Return one epoch as a line of the terminal; figures in another arithmetic than the final ones say so."""
    arithmetic = "" if precision == "fp32" else f" in {precision}"
    return (
        f"epoch {row.epoch}/{epochs}  phase {row.phase}  train loss {row.train_loss:.4f}  "
        f"validation loss {row.val_loss:.4f}  {spec_of(task).score.spoken(row.val_score)}{arithmetic}  "
        f"{row.images_per_second:.1f} images/s  {row.seconds:.0f} s"
    )


def _require_finite(row: Epoch, folder: Path) -> None:
    """Leave a training whose weights are lost, before they take the place of better ones."""
    if not math.isfinite(row.val_loss):
        raise RunError(
            f"training diverged in epoch {row.epoch}: the validation loss is {row.val_loss}; give a lower --optim.lr "
            f"and another --out than {folder}"
        )
