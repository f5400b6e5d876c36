"""What happens around the steps: epochs' figures, best weights, checkpoints, interruption, early stopping."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lightning import Callback, Trainer

from visionft import methods
from visionft.data import TrainLoader
from visionft.errors import RunError
from visionft.machine.stop_signals import Interruption
from visionft.runs import layout
from visionft.runs.history import Epoch, best, no_longer_better, write_csv
from visionft.runs.weights_file import write_weights
from visionft.training.checkpoint import Checkpoint
from visionft.training.module import Classifier, scaler_of


class StopAskedError(Exception):
    """The state was written after a signal; not a KeyboardInterrupt, which Lightning turns into an exit of its own."""


class Lifecycle(Callback):
    """Keep the run folder up to date while Lightning trains.

    Args:
        folder: the run folder.
        loader: told the epoch before it begins.
        interruption: looked at after each step.
        history: rows so far; grows here.
        say: prints one line.
    """

    def __init__(
        self,
        folder: Path,
        loader: TrainLoader,
        interruption: Interruption,
        history: list[Epoch],
        say: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.loader = loader
        self.interruption = interruption
        self.history = history
        self.say = say
        self._epoch_began = self._trained_until = self._checkpointed = time.monotonic()
        self._photos = 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Note the time."""
        self._epoch_began = time.monotonic()
        self._photos = 0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Checkpoint when asked to leave, or when the last checkpoint is old."""
        self._photos += len(batch[1])
        self._trained_until = time.monotonic()
        if pl_module.step % self.loader.steps_per_epoch == 0:
            return  # a checkpoint here would lose the epoch's validation, which comes next and writes one
        self._leave_if_asked(pl_module)
        if self._trained_until - self._checkpointed >= pl_module.settings.hardware.checkpoint_seconds:
            self.checkpoint(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Write the epoch's row, its weights if they are the best, and a checkpoint; point the loader on."""
        row = self._row(pl_module)
        _require_finite(row, self.folder)
        self.history.append(row)
        write_csv(self.folder / layout.METRICS, self.history)
        if best(self.history) is row:
            self.write_best(pl_module)
        self.say(sentence(row, pl_module.schedule.epochs, pl_module.settings.hardware.precision))
        self.loader.set_epoch(row.epoch)
        self._leave_if_asked(pl_module)
        self.checkpoint(pl_module)
        self._stop_early(trainer, pl_module, row)

    def _stop_early(self, trainer: Trainer, module: Classifier, row: Epoch) -> None:
        """Let training end after this epoch where patience is over; said where epochs are left."""
        patience = module.settings.optim.patience
        if not no_longer_better(self.history, patience):
            return
        trainer.should_stop = True
        if row.epoch < module.schedule.epochs:
            self.say(stopped(self.history, patience, module.schedule.epochs))

    def _leave_if_asked(self, module: Classifier) -> None:
        if self.interruption.signal is not None:
            self.checkpoint(module)
            raise StopAskedError

    def checkpoint(self, module: Classifier) -> None:
        """Write the state after the last finished step."""
        optimizer: Any = module.optimizers()
        averaged = module.averaged.state_dict() if module.averaged else None
        scaler = scaler_of(module)
        Checkpoint(
            module.step,
            dict(module.network.state_dict()),
            averaged,
            optimizer.optimizer.state_dict(),
            module.micro_batch,
            self.history,
            module.pending_losses(),
            dict(module.distillation.state_dict()) if module.distillation else {},
            dict(scaler.state_dict()) if scaler else {},
        ).save(self.folder / layout.CHECKPOINT)
        self._checkpointed = time.monotonic()

    def write_start(self, module: Classifier) -> None:
        """Write the weights that training starts from, in the form of the final ones."""
        start = copy.deepcopy(module.network).to("cpu")
        methods.fold(start, module.settings.method)
        write_weights(self.folder / layout.START, start)

    def write_best(self, module: Classifier) -> None:
        """Write the weights that would be exported now, with their epoch: they may be used before the end."""
        write_weights(self.folder / layout.BEST, module.final_network, epoch=self.history[-1].epoch)

    def _row(self, module: Classifier) -> Epoch:
        now, loss = time.monotonic(), module.validation_figures()
        last = module.schedule.at(module.step - 1)
        return Epoch(
            epoch=module.step // self.loader.steps_per_epoch,
            phase=module.schedule.phase(module.step - 1) + 1,
            step=module.step,
            lr=max(last.lr(group.depth, group.role) for group in module.groups),
            train_loss=module.take_training_loss(),
            val_loss=loss[0],
            val_top1=loss[1],
            seconds=now - self._epoch_began,
            images_per_second=self._photos / max(self._trained_until - self._epoch_began, 1e-9),
        )


def stopped(history: Sequence[Epoch], patience: int | None, epochs: int) -> str:
    """Return the line that says that training ends before its last epoch."""
    lowest = min(history, key=lambda row: row.val_loss)
    after = "the solved head" if lowest.epoch == 0 else f"epoch {lowest.epoch}"
    return (
        f"stopped after epoch {history[-1].epoch} of {epochs}: the validation loss was lowest after {after}, and "
        f"--optim.patience {patience} allows no more epochs without a lower one"
    )


def sentence(row: Epoch, epochs: int, precision: str = "fp32") -> str:
    """Return one epoch as a line of the terminal; figures in another arithmetic than the final ones say so."""
    arithmetic = "" if precision == "fp32" else f" in {precision}"
    return (
        f"epoch {row.epoch}/{epochs}  phase {row.phase}  train loss {row.train_loss:.4f}  "
        f"validation loss {row.val_loss:.4f}  top-1 {row.val_top1:.2%}{arithmetic}  "
        f"{row.images_per_second:.1f} images/s  {row.seconds:.0f} s"
    )


def _require_finite(row: Epoch, folder: Path) -> None:
    """Leave a training whose weights are lost, before they take the place of better ones."""
    if not math.isfinite(row.val_loss):
        raise RunError(
            f"training diverged in epoch {row.epoch}: the validation loss is {row.val_loss}; give a lower --optim.lr "
            f"and another --out than {folder}"
        )
