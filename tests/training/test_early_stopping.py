"""What ends a training before its last epoch."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.machine.stop_signals import Interruption
from visionft.runs.history import Epoch
from visionft.training.early_stopping import EarlyStopping, StopOnSignal, stopped

FIGURES: Any = None


def history(*losses: float) -> list[Epoch]:
    return [Epoch(n, 1, 10 * n, 0.1, 1.0, loss, 0.5, 1.0, 10.0) for n, loss in enumerate(losses)]


def state(rows: Sequence[Epoch], patience: int | None, epochs: int = 9, **more: Any) -> Any:
    optim = SimpleNamespace(patience=patience)
    return SimpleNamespace(
        settings=SimpleNamespace(optim=optim), stop=False, epoch=rows[-1].epoch if rows else 0,
        schedule=SimpleNamespace(epochs=epochs, steps_per_epoch=10), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("losses", "patience", "stops"),
    [
        ((1.0, 0.9, 0.95, 0.97), 2, True),
        ((1.0, 0.9, 0.95, 0.97), 3, False),
        ((1.0, 0.9, 0.8, 0.7), 1, False),
        ((1.0, 0.9, 0.95, 0.97), None, False),
    ],
)
def test_patience_is_epochs_without_a_lower_loss(losses: tuple[float, ...], patience: int | None, stops: bool) -> None:
    rows, said = history(*losses), list[str]()
    at = state(rows, patience)
    EarlyStopping(rows, said.append).validated(at, FIGURES)
    assert at.stop is stops
    assert len(said) == stops


def test_at_the_last_epoch_there_is_nothing_to_say() -> None:
    rows, said = history(0.5, 0.9, 0.95), list[str]()
    at = state(rows, 2, epochs=2)
    EarlyStopping(rows, said.append).validated(at, FIGURES)
    assert (at.stop, said) == (True, [])


def test_the_line_says_when_the_loss_was_lowest() -> None:
    assert stopped(history(1.0, 0.9, 0.95, 0.97), 2, 9) == (
        "stopped after epoch 3 of 9: the validation loss was lowest after epoch 1, and --optim.patience 2 allows no "
        "more epochs without a lower one"
    )
    assert "lowest after the solved head, and" in stopped(history(0.5, 0.9), 1, 9)


@pytest.mark.parametrize(("step", "inside"), [(7, True), (10, False)])
def test_a_signal_stops_inside_an_epoch_and_at_its_end_after_its_validation(step: int, inside: bool) -> None:
    interruption = Interruption()
    listener = StopOnSignal(interruption)
    at = state([], None, step=step, ranks=SimpleNamespace(most=lambda own: [own]))
    listener.stepped(at, 8)
    listener.validated(at, FIGURES)
    assert not at.stop
    interruption.signal = signal.SIGTERM
    listener.stepped(at, 8)
    assert at.stop is inside
    listener.validated(at, FIGURES)
    assert at.stop
