"""Optuna's study of a sweep: its database, what draws and what prunes, and trials whose process is gone."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import MissingExtraError, RunMismatchError, UsageError
from visionft.sweeping.search_space import Dimension
from visionft.sweeping.trial_order import PROCESS
from visionft.wording.safe_text import printable

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.storages import RDBStorage

DATABASE = "study.db"
HEARTBEAT, GRACE = 30, 180
"""Seconds between two signs of life of a trial, and without one until it counts as lost: for those of other machines;
of this one's processes the system says at once whether they live."""
BUSY = 120.0
"""Seconds for which SQLite waits for another process that writes."""
STARTUP = 5
"""Trials that have to be done before the median prunes."""


def require_optuna() -> None:
    """Raise MissingExtraError where the extra is not installed."""
    if find_spec("optuna") is None:
        raise MissingExtraError('sweep needs Optuna, not installed here: pip install "visionft[sweep]"')


def sqlite_url(folder: Path) -> str:
    """Return the URL of the database in a sweep's folder."""
    return f"sqlite:///{(folder / DATABASE).absolute()}"


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna write no lines of its own, nor say of its heartbeat and samplers that they are young."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(before)


def open_storage(url: str) -> RDBStorage:
    """Open a database, with its tables, or make them.

    Raises:
        UsageError: the URL is none, its driver is not installed, or the database does not answer.
    """
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

    shown = "the URL"
    try:
        address = make_url(url)
        shown = printable(address.render_as_string(hide_password=True))
        options = {"connect_args": {"timeout": BUSY}} if address.get_backend_name() == "sqlite" else {}
        try:
            return RDBStorage(url, engine_kwargs=options, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
        except (
            OperationalError,
            ProgrammingError,
        ):  # another process that began at the same time was at the same tables
            time.sleep(1.0)
            return RDBStorage(url, engine_kwargs=options, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
    except (SQLAlchemyError, ImportError, RuntimeError, ValueError) as error:
        reason = printable(str(error).strip().partition("\n")[0])
        raise UsageError(
            f"--storage: {shown} cannot be opened ({reason}); give a database such as postgresql://user@host/name with "
            "its driver installed, or leave it out"
        ) from None


def require_storage(url: str) -> None:
    """Raise UsageError where a database cannot be opened."""
    with quiet_optuna():
        open_storage(url)


def open_study(storage: RDBStorage, name: str, *, higher: bool, prune: str, epochs: int | None) -> Study:
    """Return the study of that name, made if it is not there.

    Args:
        storage: where it lies.
        name: of the sweep.
        higher: whether a higher score is better.
        prune: `median`, `hyperband` or `none`.
        epochs: of every trial; None: they differ, or are chosen.
    """
    import optuna

    direction = optuna.study.StudyDirection.MAXIMIZE if higher else optuna.study.StudyDirection.MINIMIZE
    pruner = pruner_of(prune, epochs)
    return optuna.create_study(
        storage=storage, study_name=name, direction=direction, pruner=pruner, load_if_exists=True
    )


def pruner_of(prune: str, epochs: int | None) -> BasePruner:
    """Return Optuna's pruner by its name here."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if prune == "median":
        return MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1)
    if prune == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=epochs or "auto")
    return NopPruner()


def distributions(varied: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each dimension; values are words, as they are written."""
    return {one.path: distribution(one) for one in varied}


def distribution(one: Dimension) -> BaseDistribution:
    """Return Optuna's distribution of a dimension."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.values:
        return CategoricalDistribution(one.values)
    if one.whole:
        return IntDistribution(int(one.low), int(one.high))
    return FloatDistribution(one.low, one.high, log=one.log)


def drawn_value(trial: Trial, one: Dimension) -> str:
    """Draw a dimension's value in a trial, or take the one that it was given."""
    if one.values:
        return str(trial.suggest_categorical(one.path, one.values))
    if one.whole:
        return one.written(trial.suggest_int(one.path, int(one.low), int(one.high)))
    return one.written(trial.suggest_float(one.path, one.low, one.high, log=one.log))


def this_process() -> str:
    """Return what tells this process from every other one: machine, number, and when it began."""
    return f"{platform.node()}:{os.getpid()}:{_began(os.getpid())}"


def fail_lost(study: Study) -> None:
    """Mark trials as failed whose process is gone: of this machine at once, of others without a sign of life."""
    import optuna
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        node, _, rest = str(trial.user_attrs.get(PROCESS, "")).rpartition(":")[0].rpartition(":")
        began = str(trial.user_attrs.get(PROCESS, "")).rpartition(":")[2]
        if node == platform.node() and rest.isdigit() and _began(int(rest)) != began:
            with suppress(optuna.exceptions.UpdateFinishedTrialError, ValueError):  # another process was quicker
                study.tell(trial.number, state=TrialState.FAIL)
    fail_stale_trials(study)


def _began(number: int) -> str:
    """Return when a process began, in ticks since the machine did; empty: there is none (or no /proc)."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "" if text.rpartition(")")[2].split()[0] == "Z" else text.rpartition(")")[2].split()[19]


def require_same_photos(study: Study, fingerprint: str, folder: Path) -> None:
    """Refuse to compare trials on other photos than the first one had; the first one's are written down.

    Raises:
        RunMismatchError: the photos changed since the sweep was begun.
    """
    known = study.user_attrs.get("fingerprint")
    if known is None:
        study.set_user_attr("fingerprint", fingerprint)
    elif known != fingerprint:
        raise RunMismatchError(
            f"the photos changed since the sweep {folder} was begun; give another --out for a new one"
        )
