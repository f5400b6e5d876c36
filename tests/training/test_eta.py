"""How long it will take, said once after the first steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from visionft.training import eta
from visionft.training.eta import TIMED, WARM_UP, Eta, spoken


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"), (89.4, "89 seconds"), (90, "2 minutes"), (600, "10 minutes"), (5399, "90 minutes"),
        (5400, "1.5 hours"), (36_000, "10.0 hours"),
    ],
)  # fmt: skip
def test_a_span_of_time_is_said_in_the_unit_that_a_person_would_use(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_the_rate_of_the_first_steps_is_taken_for_all_the_first_two_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(eta.time, "monotonic", lambda: clock[0])
    loader: Any = SimpleNamespace(dataset=SimpleNamespace(augment=SimpleNamespace(sides=None)), steps_per_epoch=50)
    moved: list[tuple[int, int]] = []
    said: list[str] = []
    listener = Eta(loader, lambda *part: moved.append(part), said.append)
    state: Any = SimpleNamespace(step=0, schedule=SimpleNamespace(total_steps=100, epochs=2))
    for number in range(12):
        clock[0] += 50.0 if number < WARM_UP else 2.0
        state.step += 1
        listener.stepped(state, 8)
    left = 2.0 * (100 - WARM_UP - TIMED)
    assert said == [f"training: 100 steps in 2 epochs, about {spoken(left)} from now"]
    assert moved[0] == (8, 800)
    assert moved[-1] == (96, 800)
