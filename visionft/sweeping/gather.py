"""From the trials of a study to the rows of a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from visionft.sweeping import trial_order
from visionft.sweeping.differences import behind, right_by_photo
from visionft.sweeping.sweep_plan import SweepPlan
from visionft.sweeping.sweep_result import (
    DONE,
    FAILED,
    PRUNED,
    RUNNING,
    WAITING,
    DrawRow,
    SweepResult,
    TrialRow,
    is_here,
    ranked,
)
from visionft.sweeping.trial_order import Slot
from visionft.sweeping.trial_settings import without_seed
from visionft.wording.lists import count

STATES = {
    TrialState.COMPLETE: DONE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: RUNNING,
    TrialState.WAITING: WAITING,
}
_DIED = f"its process ended {trial_order.ATTEMPTS} times without a word, most often because memory ran out; see its log"


def result_of(plan: SweepPlan, trials: Sequence[FrozenTrial], *, compared: bool = True) -> SweepResult:
    """Return what the trials of a study say so far.

    Args:
        plan: the sweep.
        trials: all of its study.
        compared: whether the draws are compared with the best one, for which their answers are read.
    """
    found = trial_order.slots(trials, plan.places)
    draws = ranked([_draw(plan, found[start : start + len(plan.seeds)]) for start in _starts(plan)], plan.score)
    if compared:
        draws = _compared(draws)
    return SweepResult(plan.folder, plan.score, tuple(draws), tuple(_notes(plan, found)))


def _starts(plan: SweepPlan) -> range:
    return range(0, plan.places, len(plan.seeds))


def _draw(plan: SweepPlan, found: Sequence[Slot]) -> DrawRow:
    rows = [_row(plan, slot) for slot in found]
    if rows[0].state in (PRUNED, FAILED):  # its other seeds are not made
        rows = [row for row in rows if row is rows[0] or row.state != WAITING]
    return DrawRow(rows[0].settings, tuple(rows))


def _row(plan: SweepPlan, slot: Slot) -> TrialRow:
    trial = slot.trial or slot.stopped
    seed = plan.seeds[slot.place % len(plan.seeds)] or None
    if trial is None:
        gone = slot.repeats > trial_order.REDRAWS
        sentence = "every draw for it was the same as an earlier one" if gone else None
        return TrialRow(slot.place + 1, {}, seed, FAILED if gone else WAITING, sentence=sentence)
    attributes: dict[str, Any] = dict(trial.user_attrs)
    state, sentence = STATES[trial.state], attributes.get(trial_order.SENTENCE)
    if slot.trial is None:
        state, sentence = (WAITING, None) if slot.open else (FAILED, _DIED)
    steps = trial.intermediate_values
    score = trial.value if trial.state == TrialState.COMPLETE else steps[max(steps)] if steps else None
    ends = attributes.get("interval")
    return TrialRow(
        slot.place + 1,
        without_seed(attributes.get(trial_order.DRAWN, {})),
        seed,
        state,
        score=score if state in (DONE, PRUNED) else None,
        interval=None if ends is None else (float(ends[0]), float(ends[1])),
        seconds=attributes.get("seconds"),
        epochs=max(steps, default=0),
        sentence=sentence,
        run=Path(attributes["run"]) if "run" in attributes else None,
    )


def _compared(draws: Sequence[DrawRow]) -> list[DrawRow]:
    """Hold every draw with a mean against the first one, photo by photo."""
    comparable = [draw for draw in draws if draw.mean is not None]
    if len(comparable) < 2:
        return list(draws)
    first, *_ = (right := [right_by_photo(_runs(draw)) for draw in comparable])
    others = [replace(draw, behind=behind(first, own)) for draw, own in zip(comparable[1:], right[1:], strict=True)]
    return [draws[0], *others, *(draw for draw in draws if draw.mean is None)]


def _runs(draw: DrawRow) -> list[Path]:
    return [row.run for row in draw.trials if row.run is not None]


def _notes(plan: SweepPlan, found: Sequence[Slot]) -> list[str]:
    notes = []
    if plan.listed is not None and plan.places < plan.draws * len(plan.seeds):
        notes.append(
            f"note: there are {count(len(plan.listed), 'different combination')}, so that {plan.places} trials are all"
        )
    elsewhere = [slot for slot in found if slot.trial and slot.trial.state == TrialState.COMPLETE and not _here(slot)]
    if elsewhere:
        notes.append(f"note: {count(len(elsewhere), 'run')} are on other machines, and are not compared photo by photo")
    return notes


def _here(slot: Slot) -> bool:
    run = slot.trial.user_attrs.get("run") if slot.trial else None
    return is_here(Path(run)) if run else False
