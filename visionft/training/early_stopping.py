"""What ends a training before its last epoch: no lower validation loss for a while, or a signal."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.machine.progress import Say
from visionft.machine.stop_signals import Interruption
from visionft.runs.criterion import Figures
from visionft.runs.history import Epoch, no_longer_better
from visionft.training.callbacks import Listener
from visionft.training.state import TrainState


class EarlyStopping(Listener):
    """Stop after the epoch in which patience is over; said where epochs are left.

    Args:
        history: rows so far, kept by what writes the run; that one listens first.
        say: prints one line.
    """

    def __init__(self, history: Sequence[Epoch], say: Say) -> None:
        self.history, self.say = history, say

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Look whether the last epochs brought a lower loss."""
        patience = state.settings.optim.patience
        if not no_longer_better(self.history, patience):
            return
        state.stop = True
        if state.epoch < state.schedule.epochs:
            self.say(stopped(self.history, patience, state.schedule.epochs))


class StopOnSignal(Listener):
    """Stop after the step in which ^C or SIGTERM came; at the end of an epoch, after its validation.

    A signal of one process is one of all: they stop together, and end with the same code.
    """

    def __init__(self, interruption: Interruption) -> None:
        self.interruption = interruption

    def stepped(self, state: TrainState, photos: int) -> None:
        """Stop inside an epoch."""
        if state.step % state.schedule.steps_per_epoch:  # else the epoch's validation would be lost
            self._stop_if_asked(state)

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Stop between two epochs."""
        self._stop_if_asked(state)

    def _stop_if_asked(self, state: TrainState) -> None:
        self.interruption.agree(state.ranks.most)
        if self.interruption.signal is not None:
            state.stop = True


def stopped(history: Sequence[Epoch], patience: int | None, epochs: int) -> str:
    """Return the line that says that training ends before its last epoch."""
    lowest = min(history, key=lambda row: row.val_loss)
    after = "the solved head" if lowest.epoch == 0 else f"epoch {lowest.epoch}"
    return (
        f"stopped after epoch {history[-1].epoch} of {epochs}: the validation loss was lowest after {after}, and "
        f"--optim.patience {patience} allows no more epochs without a lower one"
    )
