"""The work of a sweep: trial after trial, by one process or several, until every place is filled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from signal import SIGTERM
from typing import Any

from optuna import Study
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from visionft.errors import RunError
from visionft.sweeping import trial_order
from visionft.sweeping.gather import result_of
from visionft.sweeping.search_space import SEED
from visionft.sweeping.study import fail_lost, open_storage, open_study, quiet_optuna, sqlite_url
from visionft.sweeping.sweep_plan import LOGS, SweepPlan, alone
from visionft.sweeping.sweep_result import DONE, FAILED, PRUNED, SweepResult, TrialRow, kept_runs
from visionft.sweeping.trial_run import DATABASE_ERRORS, NOT_OF_A_TRIAL, make_trial, remove_weights
from visionft.wording.safe_text import printable

Say = Callable[[str], None]
STORAGE = "VISIONFT_SWEEP_STORAGE"
"""Tells a worker of the database, whose URL may hold a password: arguments can be read by everybody."""
LOOK_AGAIN = 1.0  # seconds until the study is looked at again while other processes work
_OVER = (DONE, PRUNED, FAILED)


def work(plan: SweepPlan, storage: str | None, workers: int, say: Say) -> tuple[SweepResult, bool]:
    """Make trials until none is to be made, here and in `workers - 1` processes beside this one.

    Returns:
        The result, and whether other processes are still at trials.

    Raises:
        Interrupted: ^C or SIGTERM; the trial was written down, and the same call goes on.
        DataError, DiskSpaceError, RunBusyError, RunMismatchError: no trial could get further.
        RunError: the database failed.
    """
    with quiet_optuna(), _database_failures(plan):
        study = opened(plan, storage)
        told = Told(plan, study, say)
        with _helpers(plan, storage, workers - 1) as helpers:
            make_trials(plan, study, told)
            while any(one.poll() is None for one in helpers):
                time.sleep(LOOK_AGAIN)
                told.look()
                if all(one.poll() is not None for one in helpers):
                    make_trials(plan, study, told)  # what a helper left that was killed
        told.look()
        trials = study.get_trials(deepcopy=False)
        return result_of(plan, trials), any(trial.state == TrialState.RUNNING for trial in trials)


@contextmanager
def _database_failures(plan: SweepPlan) -> Iterator[None]:
    """Say in one sentence that the database failed."""
    try:
        yield
    except DATABASE_ERRORS as error:
        told = error.__cause__ or error  # Optuna's own words only guess
        reason = printable(str(getattr(told, "orig", None) or told).strip().partition("\n")[0])
        raise RunError(
            f"the database of the sweep {plan.folder} failed ({reason}); mend it, and the same command goes on with "
            "what it holds"
        ) from error


def opened(plan: SweepPlan, storage: str | None) -> Study:
    """Return the study of a sweep; one process of this machine at a time makes its tables."""
    epochs = str(plan.shared.get("epochs"))
    known = int(epochs) if epochs.isdigit() else None
    with alone(plan.folder):
        database = open_storage(storage or sqlite_url(plan.folder))
        return open_study(database, plan.name, higher=plan.score.higher, prune=plan.prune, epochs=known)


def make_trials(plan: SweepPlan, study: Study, told: Told, parent: int | None = None) -> None:
    """Make trials until no place is left for one, or until the parent process is gone."""
    while parent is None or os.getppid() == parent:
        fail_lost(study)
        told.look()
        trials = study.get_trials(deepcopy=False)
        if not any(trial.state == TrialState.WAITING for trial in trials):
            found = trial_order.next_place(trial_order.slots(trials, plan.places), len(plan.seeds))
            if found is None:
                return
            place, params = found
            study.enqueue_trial(dict(params or {}), user_attrs={trial_order.PLACE: place})
        study.sampler = _sampler(plan, trials)
        with suppress_recorded():
            study.optimize(lambda trial: make_trial(plan, trial), n_trials=1)


@contextmanager
def suppress_recorded() -> Iterator[None]:
    """Go on after a trial that failed: its sentence is in the study; what no trial could overcome is raised."""
    try:
        yield
    except NOT_OF_A_TRIAL:
        raise
    except Exception:  # noqa: BLE001  # recorded with its traceback by make_trial; one trial is not the sweep
        return


def _sampler(plan: SweepPlan, trials: Sequence[FrozenTrial]) -> TPESampler:
    """Return what draws: the same draws for the same sweep where one process works, other ones beside others."""
    beside = os.getpid() if any(trial.state == TrialState.RUNNING for trial in trials) else 0
    drawn = sum(bool(trial.params) for trial in trials)
    seed = zlib.crc32(f"{plan.shared.get(SEED, 0)}/{drawn}/{beside}".encode())
    return TPESampler(seed=seed, n_startup_trials=max(4, min(10, plan.draws // 3)))


class Told:
    """Says of each trial what became of it, once, whoever made it; and removes weights that are not kept.

    Args:
        plan: the sweep.
        study: is looked at.
        say: prints one line.
    """

    def __init__(self, plan: SweepPlan, study: Study, say: Say) -> None:
        self.plan, self.study, self.say = plan, study, say
        self._said = {row.number for row in self._rows() if row.state in _OVER}
        if self._said:
            say(f"{len(self._said)} of {plan.places} trials are done already")

    def _rows(self) -> list[TrialRow]:
        self._result = result_of(self.plan, self.study.get_trials(deepcopy=False), compared=False)
        return self._result.trials

    def look(self) -> None:
        """Say what is new."""
        for row in self._rows():
            if row.state in _OVER and row.number not in self._said:
                self._said.add(row.number)
                self.say(printable(self._line(row)))
        kept = kept_runs(self._result.draws, self.plan.score, self.plan.keep)
        for row in self._result.trials:
            if row.run is not None and row.state in _OVER and row.run not in kept:
                with suppress(RunError):  # another process is at the same weights
                    remove_weights(row.run)

    def _line(self, row: TrialRow) -> str:
        score = self.plan.score
        words = [f"trial {row.number} of {self.plan.places}: {row.named}"]
        if row.score is not None:
            ends = "" if row.interval is None else " (" + " to ".join(_brief(score, end) for end in row.interval) + ")"
            words.append(f"validation {score.brief(row.score)}{ends}")
        words += [] if row.state == DONE else [row.outcome]
        words += [] if row.seconds is None else [f"{row.seconds:.0f} s"]
        best = self._result.best_trial
        words += [] if best is None else [f"best so far: trial {best.number}"]
        return "; ".join(words)


def _brief(score: Any, value: float) -> str:
    return str(score.brief(value, named=False))


@contextmanager
def _helpers(plan: SweepPlan, storage: str | None, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start processes that make trials too, and end them with this one; what they print goes into files."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), STORAGE: storage or ""}
    command = [sys.executable, "-P", "-m", "visionft.sweeping.worker", str(plan.folder), str(os.getpid())]
    logs = plan.folder / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    found: list[subprocess.Popen[bytes]] = []
    try:
        for helper in range(number):
            with (logs / f"worker-{helper + 2}.txt").open("ab") as log:
                # In a session of its own: ^C would reach it beside our SIGTERM, and two signals mean "at once".
                found.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))
        yield found
    except BaseException:
        for one in found:
            with suppress(ProcessLookupError):
                one.send_signal(SIGTERM)
        raise
    finally:
        for one in found:
            one.wait()
