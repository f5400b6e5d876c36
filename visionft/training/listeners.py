"""What may listen to a training: a handful of events, told to each listener in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from visionft.runs.learning import Figures as Figures

if TYPE_CHECKING:
    from visionft.training.state import TrainState


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

    def finished(self, state: TrainState) -> None:
        """The loop was left: the schedule is at its end, or `state.stop` was set."""


class Listeners(Listener):
    """Several as one, told in their order: what writes comes before what may stop the training."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self.listeners = tuple(listeners)

    def started(self, state: TrainState) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.started(state)

    def stepped(self, state: TrainState, photos: int) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.stepped(state, photos)

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.validated(state, figures)

    def finished(self, state: TrainState) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.finished(state)
