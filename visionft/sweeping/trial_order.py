"""Which trial comes next, read off the study: places are filled once, whoever works at them and whoever is killed.

A sweep has numbered places; several seeds of one draw are neighbours. A trial of the study is put at a place before it
is drawn, and the lowest one of a place that was not lost is the place's trial: so two processes that put one there at
the same time make no trial twice, and what a killed process left is put there again, with the values that it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

PLACE, PROCESS, DRAWN = "place", "process", "settings"
SENTENCE, SAME_AS, SURPLUS, INTERRUPTED = "sentence", "same_as", "surplus", "interrupted"
ATTEMPTS = 3
"""Processes that may die over one trial; after that it counts as failed."""
REDRAWS = 10
"""Draws that may repeat an earlier trial before their place stays empty."""
OPEN = (TrialState.WAITING, TrialState.RUNNING)


@dataclass(frozen=True)
class Slot:
    """What stands at one place.

    Attributes:
        place: its number, from 0.
        trial: its trial; None: nothing yet.
        lost: trials that processes left here when they were killed.
        repeats: draws that were not made, as another place had the same.
        stopped: the last trial that a process left here, killed or interrupted; None: there was none.
    """

    place: int
    trial: FrozenTrial | None
    lost: int
    repeats: int
    stopped: FrozenTrial | None

    @property
    def open(self) -> bool:
        """Whether a trial is to be put here."""
        return self.trial is None and self.lost < ATTEMPTS and self.repeats <= REDRAWS

    @property
    def params(self) -> Mapping[str, Any] | None:
        """The values that its trial was drawn with, or a stopped one before it; None: it was not drawn yet."""
        drawn = self.trial if self.trial is not None and self.trial.params else self.stopped
        return dict(drawn.params) if drawn is not None and drawn.params else None


def slots(trials: Sequence[FrozenTrial], places: int) -> list[Slot]:
    """Return what stands at each place.

    Args:
        trials: all of the study.
        places: how many there are.
    """
    at: dict[int, list[FrozenTrial]] = {place: [] for place in range(places)}
    for trial in sorted(trials, key=lambda one: one.number):
        if trial.user_attrs.get(PLACE) in at and SURPLUS not in trial.user_attrs:
            at[trial.user_attrs[PLACE]].append(trial)
    return [_slot(place, found) for place, found in at.items()]


def _slot(place: int, trials: Sequence[FrozenTrial]) -> Slot:
    standing = next((trial for trial in trials if not is_lost(trial) and SAME_AS not in trial.user_attrs), None)
    left = [trial for trial in trials if is_lost(trial)]
    lost = sum(INTERRUPTED not in trial.user_attrs for trial in left)
    repeats = sum(SAME_AS in trial.user_attrs for trial in trials)
    return Slot(place, standing, lost, repeats, left[-1] if left else None)


def is_lost(trial: FrozenTrial) -> bool:
    """Tell whether a process left a trial without an outcome: it was killed, or interrupted."""
    outcomes = (SENTENCE, SAME_AS, SURPLUS)
    return trial.state == TrialState.FAIL and not any(name in trial.user_attrs for name in outcomes)


def next_place(found: Sequence[Slot], seeds: int) -> tuple[int, Mapping[str, Any] | None] | None:
    """Return where the next trial is put, and the values that it has to have; None values: it draws its own.

    First what a process left, then the other seeds of draws that stand, then a new draw. Where the first seed of a draw
    was pruned or failed, its other ones are left out.

    Args:
        found: the places in their order.
        seeds: of each draw, at least 1.
    """
    waiting = [slot for slot in found if slot.open]
    for slot in sorted(waiting, key=lambda one: (one.stopped is None, one.place % seeds == 0, one.place)):
        leader = found[slot.place - slot.place % seeds]
        if slot is leader:
            return slot.place, slot.params
        params = _given_on(leader) if slot.params is None else slot.params
        if params is not None:
            return slot.place, params
    return None


def _given_on(leader: Slot) -> Mapping[str, Any] | None:
    """Return the values of a draw's first seed for its other ones; None: it has none yet, or did not get through.

    Where the draws are listed beforehand the study draws nothing, and the values are none.
    """
    if leader.trial is None:
        return None
    drawn = leader.trial.state == TrialState.RUNNING and DRAWN in leader.trial.user_attrs  # not half of them
    return dict(leader.trial.params) if drawn or leader.trial.state == TrialState.COMPLETE else None
