"""A sweep as it was asked for, and the record in its folder by which the same command goes on with it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from visionft.errors import RunError, RunMismatchError
from visionft.files.safe_json import read_object
from visionft.files.safe_open import UnreadableError
from visionft.runs.atomic_write import make_folder, write_json
from visionft.sweeping.search_space import SEED, Dimension
from visionft.sweeping.trial_settings import Drawn, combinations
from visionft.tasks.registry import DEFAULT, spec_of
from visionft.tasks.spec import Score

RECORD, LOCK, PAGE, TRIALS, LOGS = "sweep.json", "sweep.lock", "sweep.html", "trials", "logs"
UNSET = "auto"
"""The value of a setting that means the same as leaving it out."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep does.

    Attributes:
        folder: holds its record, its trials and its page.
        shared: settings of every trial, by dotted paths.
        varied: what differs, the method first and the seed last.
        trials: that are made, those of every seed counted.
        prune: `median`, `hyperband` or `none`.
        keep: runs whose weights are kept.
    """

    folder: Path
    shared: Mapping[str, Any]
    varied: tuple[Dimension, ...]
    trials: int
    prune: str
    keep: int

    @property
    def seeds(self) -> tuple[str, ...]:
        """What every draw meets; one empty word: the seed is not varied."""
        return next((one.values for one in self.varied if one.path == SEED), ("",))

    @property
    def drawn(self) -> tuple[Dimension, ...]:
        """What is varied but for the seed."""
        return tuple(one for one in self.varied if one.path != SEED)

    @property
    def draws(self) -> int:
        """Draws that fit into the trials, whole ones: each meets every seed."""
        return self.trials // len(self.seeds)

    @cached_property
    def listed(self) -> list[Drawn] | None:
        """Every draw, where the dimensions are finite; None: Optuna draws them."""
        if not all(one.finite for one in self.drawn):
            return None
        return combinations(self.shared, self.drawn, self.draws)

    @property
    def places(self) -> int:
        """Trials that there will be: fewer than asked for where there are not so many different ones."""
        return len(self.seeds) * (self.draws if self.listed is None else len(self.listed))

    @property
    def task(self) -> str:
        """What is learnt."""
        return str(self.shared.get("task", DEFAULT))

    @property
    def score(self) -> Score:
        """What decides, on validation."""
        return spec_of(self.task).score

    def trial_folder(self, place: int) -> Path:
        """Return the folder of the run at a place."""
        return self.folder / TRIALS / f"{place + 1:03}"

    @property
    def name(self) -> str:
        """The study's name: the same on every machine that is given the same command."""
        given = {path: value for path, value in self.shared.items() if value != UNSET}
        same = {**self.to_json(), "shared": given, "trials": 0, "keep": 0}
        digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
        return f"{self.folder.name}-{digest[:12]}"

    def to_json(self) -> dict[str, Any]:
        """Return what is recorded."""
        return {
            "over": [asdict(one) for one in self.varied],
            "shared": dict(self.shared),
            "trials": self.trials,
            "prune": self.prune,
            "keep": self.keep,
        }


def default_folder(photos: Path) -> Path:
    """Return where a sweep goes that names no folder."""
    return Path("runs") / f"{photos.absolute().stem}-sweep"


def begin(plan: SweepPlan) -> bool:
    """Make a sweep's folder with its record, or see that the one there is of the same sweep.

    Returns:
        Whether it was begun before.

    Raises:
        RunMismatchError: another sweep is there; says what differs.
        RunError: something else is there, or it cannot be written.
    """
    record = plan.folder / RECORD
    ours = os.path.lexists(record) or not plan.folder.is_dir()
    if foreign := [] if ours else sorted(place.name for place in plan.folder.iterdir() if place.name != LOCK):
        raise RunError(
            f"{plan.folder} holds other files ({', '.join(foreign[:3])}); choose an empty or new folder with --out"
        )
    if plan.folder.exists() and not plan.folder.is_dir():
        raise RunError(f"{plan.folder} is a file; choose a folder with --out")
    make_folder(plan.folder)
    with alone(plan.folder):
        begun = os.path.lexists(record)
        if begun:
            _require_same(plan, read(plan.folder))
        write_json(record, plan.to_json())
    return begun


def read(folder: Path) -> SweepPlan:
    """Return the sweep whose record lies in a folder.

    Raises:
        RunError: there is none, or it is damaged.
    """
    try:
        record = read_object(folder / RECORD)
        over = tuple(Dimension(**{**one, "values": tuple(one["values"])}) for one in record["over"])
        return SweepPlan(
            folder, record["shared"], over, int(record["trials"]), str(record["prune"]), int(record["keep"])
        )
    except UnreadableError as error:
        raise RunError(f"{folder / RECORD} cannot be read ({error.reason}); give another --out") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder / RECORD} is damaged ({error}); give another --out") from error


def _require_same(plan: SweepPlan, before: SweepPlan) -> None:
    was, now = before.to_json(), plan.to_json()
    differing = [*_differences(was["shared"], now["shared"])]
    if was["over"] != now["over"]:
        differing.append(f"over was {said(before.varied)}, is {said(plan.varied)}")
    if was["prune"] != now["prune"]:
        differing.append(f"prune was {was['prune']}, is {now['prune']}")
    if differing:
        raise RunMismatchError(
            f"{plan.folder} was begun with other settings ({'; '.join(differing)}); give the same ones or another --out"
        )
    if plan.trials < before.trials:
        raise RunMismatchError(
            f"{plan.folder} was begun with {before.trials} trials, and {plan.trials} are fewer; give --trials "
            f"{before.trials} or more, or another --out"
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name, UNSET) != now.get(name, UNSET):
            yield f"{name} was {before.get(name, 'its default')}, is {now.get(name, 'its default')}"


def said(varied: Sequence[Dimension]) -> str:
    """Return what is varied as it is written."""
    return ",".join(map(str, varied))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a sweep's folder: one process at a time makes the tables of its database, or its page."""
    with (folder / LOCK).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
