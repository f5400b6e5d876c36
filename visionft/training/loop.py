"""The training loop: batches -> steps -> validation, epoch by epoch, told to listeners."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from visionft.training.callbacks import Listener, Listeners
from visionft.training.frozen_cache import Feed
from visionft.training.state import TrainState
from visionft.training.step import optimizer_step, validate
from visionft.training.validation_cache import ValidationSource


class Source(Protocol):
    """Where the batches of each epoch come from."""

    def epoch(self, epoch: int, start: int = 0) -> Feed:
        """Return the batches of an epoch, counted from 0, from batch `start` on."""
        ...


def train_loop(state: TrainState, source: Source, held_out: ValidationSource, listeners: Iterable[Listener]) -> None:
    """Train from the state's step to the end of its schedule, or until a listener stops it.

    Args:
        state: on its device, at the step where training begins or goes on.
        source: batches of each epoch: photos, or what a frozen part made of them.
        held_out: batches of each validation.
        listeners: told of each event, in their order.

    Raises:
        MemoryShortError: the device has no room for a single photo.
        DataError: a photo is gone or broke since it was checked.
        ProcessLostError: another process ended.
    """
    tell = Listeners(listeners)
    tell.started(state)
    while state.step < state.schedule.total_steps and not state.stop:
        epoch, done = divmod(state.step, state.schedule.steps_per_epoch)
        feed = source.epoch(epoch, done)
        for batch in feed.batches:
            optimizer_step(state, state.fabric.to_device(batch), feed.cut)
            tell.stepped(state, state.photos)
            if stopped(state):
                break
        if state.stop:
            break
        held = held_out.feed()
        tell.validated(state, validate(state, held.batches, held.cut))
        stopped(state)
    tell.finished(state)


def stopped(state: TrainState) -> bool:
    """Tell whether a listener stops the training, in whichever process: all leave at the same step."""
    state.stop = state.ranks.any(state.stop)
    return state.stop
