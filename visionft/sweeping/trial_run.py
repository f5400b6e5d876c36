"""One trial: a whole fit in a folder of its own, told to the study epoch by epoch, and measured on validation."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import Trial
from sqlalchemy.exc import SQLAlchemyError

from visionft.errors import DataError, DiskSpaceError, RunBusyError, RunError, RunMismatchError, VisionftError
from visionft.evaluation import evaluate_run
from visionft.files.safe_json import read_object
from visionft.files.temporary import FULL
from visionft.runs import Run, history, layout
from visionft.runs.atomic_write import remove
from visionft.runs.criterion import Figures
from visionft.settings import FitSettings
from visionft.sweeping import trial_order
from visionft.sweeping.search_space import METHOD, SEED
from visionft.sweeping.study import drawn_value, require_same_photos, this_process
from visionft.sweeping.sweep_plan import LOGS, SweepPlan
from visionft.sweeping.trial_settings import key_of, of_method, trial_settings
from visionft.training import Listener, TrainState, train

SPLIT = "validation"
ENDS = "interval"
WEIGHTS = (layout.WEIGHTS, layout.CHECKPOINT, layout.START, layout.BEST)


DATABASE_ERRORS = (StorageInternalError, SQLAlchemyError)
NOT_OF_A_TRIAL = (DataError, DiskSpaceError, RunBusyError, RunMismatchError, *DATABASE_ERRORS)
"""What no other trial could overcome either: the sweep ends, and the trial is made again by the next call."""


class NotMadeError(Exception):
    """A trial ends without a fit of its own; its attributes in the study say why."""


class Told(Listener):
    """Tells a study the score of each epoch, and leaves the training where the study's pruner says so.

    Args:
        trial: of the study.
        folder: of its run.
        sweep: the sweep's folder.
        column: of the score in metrics.csv.
        prunes: whether it may be left: the other seeds of a draw whose first one got through are made whole, as a mean
            wants all of them.
    """

    def __init__(self, trial: Trial, folder: Path, sweep: Path, column: str, *, prunes: bool) -> None:
        self.trial, self.folder, self.sweep, self.column, self.prunes = trial, folder, sweep, column, prunes

    def started(self, state: TrainState) -> None:
        """Refuse other photos than the sweep's; tell the epochs that another process made before it was killed."""
        require_same_photos(self.trial.study, _fingerprint(self.folder), self.sweep)
        if state.step and (self.folder / layout.METRICS).is_file():
            for row in history.table(self.folder / layout.METRICS):
                if row["epoch"]:
                    self.trial.report(row[self.column], row["epoch"])

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Tell the epoch's score; after the last one, and where a signal stops the training, nothing is pruned."""
        self.trial.report(figures.score, state.epoch)
        ends = state.stop or state.step >= state.schedule.total_steps
        if self.prunes and not ends and self.trial.should_prune():
            raise optuna.TrialPruned


def make_trial(plan: SweepPlan, trial: Trial) -> float:
    """Draw a trial, make its fit or go on with it, and return its score on validation.

    What became of it is in the trial's attributes: the run, seconds, the interval; or the sentence of its failure.

    Raises:
        optuna.TrialPruned: the pruner ended it.
        NotMadeError: another trial stands at its place, or is the same.
        VisionftError, Exception: it failed, and the sentence is recorded.
        KeyboardInterrupt: it was interrupted, and is made again.
        DataError, DiskSpaceError, RunBusyError, RunMismatchError: no other trial would get further; it is made again.
        StorageInternalError, SQLAlchemyError: nor without the database.
    """
    trial.set_user_attr(trial_order.PROCESS, this_process())
    place = _standing_place(plan, trial)
    began = time.monotonic()
    try:
        with _log(plan, place) as log:
            try:
                return _made(plan, trial, place, log, began)
            except (optuna.TrialPruned, NotMadeError):
                trial.set_user_attr("seconds", time.monotonic() - began)
                raise
            except Exception:
                traceback.print_exc(file=log)
                raise
    except (optuna.TrialPruned, NotMadeError):
        raise
    except (KeyboardInterrupt, *NOT_OF_A_TRIAL):
        _mark_interrupted(trial)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            _mark_interrupted(trial)
            raise DiskSpaceError(
                f"the disk of {plan.folder} is full; make room, and the same command goes on"
            ) from error
        known = isinstance(error, VisionftError)
        said = " ".join(str(error).split()) or type(error).__name__
        trial.set_user_attr("seconds", time.monotonic() - began)
        trial.set_user_attr(trial_order.SENTENCE, said if known else f"{type(error).__name__}: {said}")
        raise


def _mark_interrupted(trial: Trial) -> None:
    with suppress(*DATABASE_ERRORS):  # else it counts as one whose process died
        trial.set_user_attr(trial_order.INTERRUPTED, True)


def _log(plan: SweepPlan, place: int) -> IO[str]:
    folder = plan.folder / LOGS
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{place + 1:03}.txt").open("a", encoding="utf-8", errors="backslashreplace")


def _made(plan: SweepPlan, trial: Trial, place: int, log: IO[str], began: float) -> float:
    folder = plan.trial_folder(place)
    settings = _drawn_settings(plan, trial, place, folder)
    told = Told(trial, folder, plan.folder, plan.score.column, prunes=place % len(plan.seeds) == 0)
    begun = os.path.lexists(folder / layout.SETTINGS)
    try:
        run = train(settings, lambda line: print(line, file=log, flush=True), [told])
        require_same_photos(trial.study, run.fingerprint, plan.folder)  # a solved head has no epochs to tell of
    except RunMismatchError:
        if not begun:  # else it would be in the way once the photos are put back
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if not (folder / layout.EVALUATION / SPLIT / "metrics.json").is_file():
        evaluate_run(run, None, SPLIT).write(folder / layout.EVALUATION / SPLIT)
    measured = run.result["val"]
    for name, value in {
        ENDS: (measured.get("intervals") or {}).get(plan.score.name),
        "photos": measured.get("n"),
        "seconds": time.monotonic() - began,
    }.items():
        trial.set_user_attr(name, value)
    return float(measured[plan.score.name])


def _fingerprint(folder: Path) -> str:
    """Return that of the photos of a run that is not finished."""
    return str(read_object(folder / layout.DATA)["fingerprint"])


def _standing_place(plan: SweepPlan, trial: Trial) -> int:
    """Return a trial's place; end one at whose place another stands, which a process put there at the same moment."""
    place = trial.user_attrs.get(trial_order.PLACE)
    at = trial_order.slots(trial.study.get_trials(deepcopy=False), plan.places)
    standing = at[place].trial if isinstance(place, int) and place < len(at) else None
    if standing is None or standing.number != trial.number:
        trial.set_user_attr(trial_order.SURPLUS, True)
        raise NotMadeError
    return int(standing.user_attrs[trial_order.PLACE])


def _drawn_settings(plan: SweepPlan, trial: Trial, place: int, folder: Path) -> FitSettings:
    """Draw the values that have a say under the method, and record the settings."""
    seed = plan.seeds[place % len(plan.seeds)]
    own = {SEED: seed} if seed else {}
    drawn = dict(own)
    if plan.listed is not None:
        drawn = {**plan.listed[place // len(plan.seeds)], **own}
    else:
        for one in plan.drawn:  # the method comes first; what it has not is not drawn
            if of_method(one.path, drawn.get(METHOD, plan.shared.get(METHOD))):
                drawn[one.path] = drawn_value(trial, one)
    trial.set_user_attr("run", str(folder))
    trial.set_user_attr("node", platform.node())
    trial.set_user_attr(trial_order.DRAWN, drawn)
    settings, kept = trial_settings(plan.shared, drawn, str(folder))
    trial.set_user_attr(trial_order.DRAWN, dict(kept))
    _require_new(trial, key_of(kept))
    return settings


def _require_new(trial: Trial, key: str) -> None:
    """End a trial that is the same as one before it, which has its place and its run already."""
    trial.set_user_attr("key", key)
    for other in trial.study.get_trials(deepcopy=False):
        same = other.number < trial.number and other.user_attrs.get("key") == key
        if same and not trial_order.is_lost(other) and trial_order.SURPLUS not in other.user_attrs:
            trial.set_user_attr(trial_order.SAME_AS, other.number)
            raise NotMadeError


def remove_weights(folder: Path) -> bool:
    """Remove the weights of a trial's run, and leave its records and figures; tell whether there were any."""
    adapter = folder / layout.ADAPTER
    files = [folder / name for name in WEIGHTS]
    files += [file for file in adapter.rglob("*") if file.is_file()] if adapter.is_dir() else []
    there = [file for file in files if os.path.lexists(file)]
    for file in there:
        remove(file)
    with suppress(OSError):
        adapter.rmdir()
    return bool(there)


def run_of(attributes: Mapping[str, Any]) -> Run | None:
    """Return a finished trial's run, or None where it is on another machine or its weights are gone."""
    try:
        return Run.open(str(attributes["run"]))
    except RunError:
        return None
