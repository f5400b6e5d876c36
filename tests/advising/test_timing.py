"""The time of a schedule's steps, from the moments at which steps ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from visionft import methods
from visionft.advising import timing
from visionft.advising.timing import Limits, Stopwatch, mean_step, median_step
from visionft.settings import FullMethod, GradualMethod, OptimSettings
from visionft.training.state import TrainState

OPTIM = OptimSettings(lr=1e-3, head_lr=1e-3, layer_decay=1.0)


def test_the_first_steps_are_left_out_of_the_median() -> None:
    assert median_step([0.0, 9.0, 10.0, 12.0, 15.0]) == 2.0
    assert median_step([0.0, 9.0]) == 9.0


def test_a_mean_step_weighs_the_phases_by_their_steps() -> None:
    facts = methods.Facts(levels=7, steps_per_epoch=3, epochs=5, head_solved=True)
    schedule = methods.schedule(GradualMethod(), OPTIM, facts)  # of 1, 2 and 2 epochs
    lowest = [stretch.lowest for stretch in schedule.stretches]
    assert mean_step(schedule, dict(zip(lowest, (1.0, 2.0, 4.0), strict=True))) == pytest.approx(13 / 5)


def test_a_stopwatch_goes_from_phase_to_phase_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = methods.Facts(levels=7, steps_per_epoch=10, epochs=5, head_solved=True)
    schedule = methods.schedule(GradualMethod(), OPTIM, facts)  # of 1, 2 and 2 epochs
    clock = iter([0.0, 9.0, 10.0] * 3)  # the first gap of a phase is the long one
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(Stopwatch, "_look", lambda *_: None)
    moved: list[tuple[int, int]] = []
    watch = Stopwatch(schedule, Limits(steps=9, seconds=90.0), lambda *part: moved.append(part))
    state = cast(TrainState, SimpleNamespace(device=torch.device("cpu"), step=0, stop=False))
    places: list[int] = []
    while not state.stop:
        state.step += 1
        watch.stepped(state, 8)
        places.append(state.step)
    assert places == [1, 2, 10, 11, 12, 30, 31, 32, 33], "each phase begins where the schedule's does"
    assert moved[-1] == (9, 9)
    assert watch.step_seconds() == pytest.approx(1.0)


def test_a_phase_has_two_steps_however_little_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = methods.Facts(levels=7, steps_per_epoch=10, epochs=1, head_solved=True)
    schedule = methods.schedule(FullMethod(), OPTIM, facts)
    monkeypatch.setattr(Stopwatch, "_look", lambda *_: None)
    watch = Stopwatch(schedule, Limits(steps=1, seconds=0.0), lambda *_: None)
    state: Any = SimpleNamespace(device=torch.device("cpu"), step=0, stop=False)
    for _ in range(2):
        assert not state.stop
        watch.stepped(state, 8)
    assert state.stop
