"""A training told to a logger of Lightning's: TensorBoard, CSV, MLflow, Weights & Biases, or one's own."""

from __future__ import annotations

from typing import Any, Protocol

from visionft.runs.criterion import Figures
from visionft.tasks.registry import spec_of
from visionft.training.callbacks import Listener
from visionft.training.state import TrainState


class Logger(Protocol):
    """What is asked of a logger; those of `lightning.fabric.loggers` and `lightning.pytorch.loggers` have it."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Take figures of a step."""
        ...

    def finalize(self, status: str) -> None:
        """Write what is left."""
        ...


class LoggerListener(Listener):
    """Log the rate of each step's highest group, and the losses and the score of each epoch.

    Logged are `lr` (every `every` steps), `val_loss` and the score, such as `val_top1` (after each validation), by
    optimizer step.
    The losses of single steps stay on the device: to read them would make each step wait for it.

    Args:
        logger: where to.
        every: steps between two rates, at least 1.
    """

    def __init__(self, logger: Logger | Any, every: int = 10) -> None:
        if every < 1:
            raise ValueError(f"every {every} steps is no interval; give a whole number from 1 on")
        self.logger, self.every = logger, every

    def stepped(self, state: TrainState, photos: int) -> None:
        """Log the highest rate of the step."""
        if state.step % self.every == 0:
            rate = max(group["lr"] for group in state.optimizer.param_groups)
            self.logger.log_metrics({"lr": rate}, step=state.step)

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Log what the validation found."""
        column = spec_of(state.settings.task).score.column
        self.logger.log_metrics({"val_loss": figures.loss, column: figures.score}, step=state.step)

    def finished(self, state: TrainState) -> None:
        """Let the logger write what it holds."""
        self.logger.finalize("success")
