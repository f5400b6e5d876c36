"""Which trial is next: places are filled once, whatever processes did at the same moment or when they were killed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from visionft.sweeping.trial_order import (
    ATTEMPTS,
    DRAWN,
    INTERRUPTED,
    PLACE,
    REDRAWS,
    SAME_AS,
    SENTENCE,
    SURPLUS,
    next_place,
    slots,
)

LR = {"optim.lr": FloatDistribution(0.1, 1.0)}


def trial(number: int, place: int | None, state: TrialState, lr: float | None = 0.5, **attributes: Any) -> FrozenTrial:
    made = create_trial(
        state=state,
        value=0.5 if state == TrialState.COMPLETE else None,
        params={} if lr is None else {"optim.lr": lr},
        distributions={} if lr is None else LR,
        user_attrs={
            **({} if place is None else {PLACE: place}),
            **({} if lr is None else {DRAWN: {"optim.lr": str(lr)}}),
            **attributes,
        },
    )
    made.number = number
    return made


DONE, RUNNING, WAITING, FAIL = TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING, TrialState.FAIL


def test_an_empty_study_begins_at_the_first_place() -> None:
    assert next_place(slots([], 4), 1) == (0, None)


def test_the_lowest_of_a_place_is_its_trial() -> None:
    both = [trial(1, 0, RUNNING), trial(0, 0, WAITING, None)]
    assert [slot.trial.number if slot.trial else None for slot in slots(both, 2)] == [0, None]
    assert next_place(slots(both, 2), 1) == (1, None)


def test_a_lost_trial_is_made_again_first_with_its_values() -> None:
    found = slots([trial(0, 0, DONE), trial(1, 1, FAIL, 0.3)], 4)
    assert next_place(found, 1) == (1, {"optim.lr": 0.3})
    again = [trial(0, 0, DONE), trial(1, 1, FAIL, 0.3), trial(2, 1, RUNNING, 0.3)]
    assert next_place(slots(again, 4), 1) == (2, None)


def test_a_trial_that_kills_its_process_is_given_up() -> None:
    lost = [trial(number, 0, FAIL) for number in range(ATTEMPTS)]
    assert next_place(slots(lost, 1), 1) is None
    assert next_place(slots(lost[1:], 1), 1) is not None
    interrupted = [trial(number, 0, FAIL, **{INTERRUPTED: True}) for number in range(ATTEMPTS + 3)]
    assert next_place(slots(interrupted, 1), 1) == (0, {"optim.lr": 0.5})


@pytest.mark.parametrize("name", [SENTENCE])
def test_a_failed_trial_is_not_made_again(name: str) -> None:
    assert next_place(slots([trial(0, 0, FAIL, **{name: "memory"})], 2), 1) == (1, None)


def test_surplus_and_repeats_leave_their_place_open() -> None:
    assert next_place(slots([trial(0, 0, FAIL, **{SURPLUS: True})], 1), 1) == (0, None)
    repeats = [trial(number, 0, FAIL, **{SAME_AS: 7}) for number in range(REDRAWS + 1)]
    assert next_place(slots(repeats[:REDRAWS], 1), 1) == (0, None)
    assert next_place(slots(repeats, 1), 1) is None


def test_other_seeds_have_the_values_of_the_first_one() -> None:
    started = [trial(0, 0, RUNNING, 0.3)]
    assert next_place(slots(started, 6), 3) == (1, {"optim.lr": 0.3})
    assert next_place(slots([*started, trial(1, 1, RUNNING, 0.3)], 6), 3) == (2, {"optim.lr": 0.3})
    not_drawn = [trial(0, 0, RUNNING, None)]
    assert next_place(slots(not_drawn, 6), 3) == (3, None)


def test_where_the_study_draws_nothing_the_other_seeds_are_made_too() -> None:
    """The combinations of a finite sweep are listed: none of its trials has values in the study."""
    begun = [trial(0, 0, RUNNING, None, **{DRAWN: {"method.name": "head"}})]
    assert next_place(slots(begun, 6), 3) == (1, {})
    assert next_place(slots([trial(0, 0, DONE, None)], 6), 3) == (1, {})
    left = [trial(0, 0, DONE, None), trial(1, 1, FAIL, None)]
    assert next_place(slots(left, 3), 3) == (1, {})
    trials = list[FrozenTrial]()
    while wanted := next_place(slots(trials, 6), 3):
        trials.append(trial(len(trials), wanted[0], DONE, None))
    assert sorted(one.user_attrs[PLACE] for one in trials) == list(range(6))


def test_half_a_draw_is_not_given_on() -> None:
    half = trial(0, 0, RUNNING, 0.3)
    del half.user_attrs[DRAWN]
    assert next_place(slots([half], 6), 3) == (3, None)


@pytest.mark.parametrize("state", [TrialState.PRUNED, FAIL])
def test_where_the_first_seed_did_not_get_through_the_others_are_left_out(state: TrialState) -> None:
    first = trial(0, 0, state, **({SENTENCE: "no"} if state == FAIL else {}))
    assert next_place(slots([first], 6), 3) == (3, None)
    assert next_place(slots([first, trial(1, 3, DONE)], 4), 3) is None


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_workers_and_kills_fills_every_place_once(seed: int) -> None:
    """Play workers that put, begin, finish and die at random moments, two of them often at the same place."""
    generator, trials, places, seeds = random.Random(seed), list[FrozenTrial](), 12, 3
    for _ in range(2000):
        found = slots(trials, places)
        wanted = next_place(found, seeds)
        if wanted is None and not any(one.state in (RUNNING, WAITING) for one in trials):
            break
        if wanted and generator.random() < 0.5:
            for _ in range(generator.choice((1, 1, 2))):  # two that looked at the same moment
                trials.append(trial(len(trials), wanted[0], WAITING, None))
        for one in trials:
            if one.state == WAITING and generator.random() < 0.5:
                standing = slots(trials, places)[one.user_attrs[PLACE]].trial
                surplus = standing is None or standing.number != one.number
                number = trials.index(one)
                trials[number] = trial(
                    number, one.user_attrs[PLACE], FAIL if surplus else RUNNING, **({SURPLUS: True} if surplus else {})
                )
            elif one.state == RUNNING and generator.random() < 0.5:
                number, died = trials.index(one), generator.random() < 0.2
                killed = {INTERRUPTED: True} if died else {}
                trials[number] = trial(number, one.user_attrs[PLACE], FAIL if died else DONE, **killed)
    done = [one.user_attrs[PLACE] for one in trials if one.state == DONE]
    assert sorted(done) == list(range(places))
