"""What may listen to a training: a handful of events, told to each listener in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import ProcessLostError
from visionft.machine.stop_signals import Interrupted
from visionft.runs.criterion import Figures as Figures

if TYPE_CHECKING:
    from visionft.training.state import TrainState

Reason = Interrupted | ProcessLostError


class Listener:
    """Hears of a training; every method may be left as it is.

    A listener ends the training by `state.stop = True`: after a step the loop leaves at once, after a validation
    before the next epoch. Where several processes train, those of the first one alone are told.
    """

    def started(self, state: TrainState) -> None:
        """Everything is on its device, and no step was taken yet in this process."""

    def stepped(self, state: TrainState, photos: int) -> None:
        """A step was taken with so many photos of all processes; `state.step` counts it already."""

    def validated(self, state: TrainState, figures: Figures) -> None:
        """An epoch ended, and its weights were validated."""

    def saved(self, state: TrainState, path: Path) -> None:
        """A checkpoint was written to `path`: after a kill the same call goes on after `state.step`.

        Told after the event that it was written in; to write it is the first thing that happens in one.
        """

    def finished(self, state: TrainState) -> None:
        """The loop was left: the schedule is at its end, or `state.stop` was set, by a signal too."""

    def stopped(self, state: TrainState, reason: Reason) -> None:
        """The training was interrupted, and the same call goes on with it: the last event, also after `finished`.

        Args:
            state: after the last step.
            reason: what `fit` raises now: `Interrupted` with the `signal`, or `ProcessLostError`.
        """


class Listeners(Listener):
    """Several as one, told in their order: what writes comes before what may stop the training.

    A checkpoint that one of them wrote is told to all once each has heard of the event.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self.listeners = tuple(listeners)

    def started(self, state: TrainState) -> None:
        """Tell each."""
        self._each(state, lambda listener: listener.started(state))

    def stepped(self, state: TrainState, photos: int) -> None:
        """Tell each."""
        self._each(state, lambda listener: listener.stepped(state, photos))

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Tell each."""
        self._each(state, lambda listener: listener.validated(state, figures))

    def saved(self, state: TrainState, path: Path) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.saved(state, path)

    def finished(self, state: TrainState) -> None:
        """Tell each."""
        self._each(state, lambda listener: listener.finished(state))

    def stopped(self, state: TrainState, reason: Reason) -> None:
        """Tell each, of a checkpoint that was written outside any event first."""
        self._each(state, lambda _: None)
        self._each(state, lambda listener: listener.stopped(state, reason))

    def _each(self, state: TrainState, event: Callable[[Listener], None]) -> None:
        for listener in self.listeners:
            event(listener)
        if state.written is not None:
            path, state.written = state.written, None
            self.saved(state, path)
