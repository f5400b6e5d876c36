"""The loop: which events come when, where it begins, and where it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.fits import Begun
from visionft.training.callbacks import Figures, Listener
from visionft.training.loop import train_loop
from visionft.training.state import TrainState

Make = Callable[..., Begun]


class Notes(Listener):
    def __init__(self, stop: str = "") -> None:
        self.events: list[str] = []
        self.stop = stop

    def _note(self, state: TrainState, event: str) -> None:
        self.events.append(event)
        state.stop = state.stop or event == self.stop

    def started(self, state: TrainState) -> None:
        self._note(state, "started")

    def stepped(self, state: TrainState, photos: int) -> None:
        assert photos == 8
        self._note(state, f"step {state.step}")

    def validated(self, state: TrainState, figures: Figures) -> None:
        assert 0 <= figures.top1 <= 1
        self._note(state, f"epoch {state.epoch}")

    def finished(self, state: TrainState) -> None:
        self._note(state, "finished")


def events(one: Begun, folder: Path, stop: str = "") -> list[str]:
    notes, source = Notes(stop), one.source(folder)
    train_loop(one.state, source, one.held_out(source, folder), [notes])
    return notes.events


def test_every_step_and_every_epoch_are_told_in_their_order(begun: Make, tmp_path: Path) -> None:
    one = begun()
    n = one.loader.steps_per_epoch
    first, second = ([f"step {step}" for step in range(start + 1, start + n + 1)] for start in (0, n))
    assert events(one, tmp_path) == ["started", *first, "epoch 1", *second, "epoch 2", "finished"]


@pytest.mark.parametrize("stop", ["step 2", "epoch 1"])
def test_a_listener_ends_it_where_it_says_so(begun: Make, tmp_path: Path, stop: str) -> None:
    assert events(begun(), tmp_path, stop)[-2:] == [stop, "finished"]


def test_it_goes_on_in_the_middle_of_an_epoch_to_the_same_weights(begun: Make, tmp_path: Path) -> None:
    whole, parts = begun(), begun()
    events(whole, tmp_path)
    events(parts, tmp_path, "step 3")
    parts.state.stop = False
    again = events(parts, tmp_path)
    assert again[1] == "step 4"
    theirs = whole.state.network.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in parts.state.network.state_dict().items())


def test_a_phase_with_a_frozen_part_brings_activations_and_what_reads_them(begun: Make, tmp_path: Path) -> None:
    one = begun(method={"name": "head", "solver": "epochs"}, head="mlp", epochs=3, **{"augment.views": 1})
    feed = one.source(tmp_path).epoch(0)
    assert feed.cut is not None
    answers, _, _ = next(feed.batches)
    assert answers.dtype == torch.float32
    assert answers.shape[0] == 8
    assert feed.cut.suffix(answers).shape == (8, 3)
