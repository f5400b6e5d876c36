"""From the trials of a study to the rows of a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from visionft.sweeping.gather import result_of
from visionft.sweeping.search_space import dimensions
from visionft.sweeping.sweep_plan import SweepPlan
from visionft.sweeping.sweep_result import DONE, FAILED, PRUNED, RUNNING, WAITING
from visionft.sweeping.trial_order import DRAWN, PLACE, SENTENCE


def plan(over: str, trials: int) -> SweepPlan:
    return SweepPlan(Path("s"), {"photos": "p"}, dimensions(over), trials, "median", 3)


def trial(number: int, place: int, state: TrialState, score: float | None = None, **attributes: Any) -> FrozenTrial:
    steps = attributes.pop("steps", {})
    made = create_trial(
        state=state, value=score, params={"optim.lr": 0.5}, distributions={"optim.lr": FloatDistribution(0.1, 1.0)},
        user_attrs={PLACE: place, DRAWN: {"optim.lr": "0.5"}, **attributes}, intermediate_values=steps,
    )  # fmt: skip
    made.number = number
    return made


def test_each_state_is_a_row_and_what_is_not_there_yet_waits() -> None:
    trials = [
        trial(0, 0, TrialState.COMPLETE, 0.9, interval=[0.8, 0.95], seconds=3.0, run="s/1", steps={1: 0.7, 2: 0.9}),
        trial(1, 1, TrialState.PRUNED, None, steps={1: 0.2, 2: 0.3}),
        trial(2, 2, TrialState.FAIL, None, **{SENTENCE: "out of memory"}),
        trial(3, 3, TrialState.RUNNING),
    ]
    rows = sorted(result_of(plan("lr=0.1..1.0", 5), trials).trials, key=lambda row: row.number)
    assert [(row.number, row.state, row.score) for row in rows] == [
        (1, DONE, 0.9), (2, PRUNED, 0.3), (3, FAILED, None), (4, RUNNING, None), (5, WAITING, None),
    ]  # fmt: skip
    assert (rows[0].interval, rows[0].seconds, rows[0].epochs, rows[0].run) == ((0.8, 0.95), 3.0, 2, Path("s/1"))
    assert rows[2].sentence == "out of memory"
    assert rows[0].settings == {"optim.lr": "0.5"}


def test_seeds_of_a_draw_are_one_row_and_the_best_mean_comes_first() -> None:
    scores = {0: 0.5, 1: 0.7, 2: 0.8, 3: 0.9}
    trials = [trial(n, n, TrialState.COMPLETE, score) for n, score in scores.items()]
    found = result_of(plan("lr=0.1..1.0,seed=0,1", 4), trials)
    assert [draw.mean for draw in found.draws] == pytest.approx([0.85, 0.6])
    assert [[row.seed for row in draw.trials] for draw in found.draws] == [["0", "1"], ["0", "1"]]
    assert found.complete


def test_of_a_draw_that_was_pruned_no_other_seeds_are_shown() -> None:
    found = result_of(plan("lr=0.1..1.0,seed=0,1", 2), [trial(0, 0, TrialState.PRUNED, None, steps={1: 0.2})])
    assert [[row.state for row in draw.trials] for draw in found.draws] == [[PRUNED]]


def test_what_should_be_known_is_noted() -> None:
    few = result_of(plan("method=full,head", 9), [])
    assert any("there are 2 different combinations, so that 2 trials are all" in note for note in few.notes)
    away = result_of(plan("lr=0.1..1.0", 1), [trial(0, 0, TrialState.COMPLETE, 0.9, run="/another/machine/s/1")])
    assert any("1 run are on other machines" in note or "1 run" in note for note in away.notes)
