"""The runs below a folder, read from their records alone: no weights are opened, and torch is not imported."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any, overload

from visionft.errors import RunError
from visionft.runs import layout
from visionft.runs.lock import is_held
from visionft.runs.run_files import read_json, read_settings, verified_table
from visionft.tasks.registry import spec_of
from visionft.tasks.spec import Score
from visionft.wording.safe_text import printable

DEPTH = 3
"""Levels below the folder that are searched for runs."""
MOST_FOLDERS = 10_000
"""Folders that are looked into; a whole disk is no folder of runs."""
HEADINGS = ("run", "state", "task", "method", "backbone", "validation", "test", "next")
_BUNDLE = "bundle"
_WIDEST = 40  # signs of a printed cell, the last one apart: one long name would push the others off the screen


@dataclass(frozen=True)
class ListedRun:
    """A run as its records describe it.

    Attributes:
        name: its path below the folder that was searched.
        path: its folder.
        state: `finished`, `training` (another process is at it), `unfinished` or `damaged`.
        task: what was learnt; None where the settings cannot be read.
        method: how.
        backbone: of which network.
        validation: the score on validation that the task goes by, such as top-1 in [0, 1]; of an unfinished run the
            best so far; None: there is none yet.
        test: the same on the test split; None: it was not measured.
        epoch: the last one of a run that is not finished; None: it is finished, or has none yet.
        problem: what is damaged, in a sentence.
        next: the command that comes next, as words; empty: nothing does.
    """

    name: str
    path: Path
    state: str
    task: str | None = None
    method: str | None = None
    backbone: str | None = None
    validation: float | None = None
    test: float | None = None
    epoch: int | None = None
    problem: str | None = None
    next: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """Return it as a row of the table, one text for each of `HEADINGS`."""
        state = self.state if self.epoch is None else f"{self.state}, epoch {self.epoch}"
        words = [f"visionft {' '.join(map(quote, self.next))}"] if self.next else [self.problem or ""]
        figures = [self._brief(self.validation), self._brief(self.test)]
        row = (self.name, state, self.task or "", self.method or "", self.backbone or "", *figures, *words)
        return tuple(printable(cell) for cell in row)

    def _brief(self, value: float | None) -> str:
        if value is None or self.task is None:
            return ""
        return spec_of(self.task).score.brief(value, named=self.task != "classification")

    def to_json(self) -> dict[str, Any]:
        """Return plain values, by the names of the attributes."""
        return {**asdict(self), "name": printable(self.name), "path": str(self.path), "next": list(self.next)}


@dataclass(frozen=True)
class RunList(Sequence[ListedRun]):
    """The runs below a folder, sorted by name; printed and in a notebook it is a table.

    Attributes:
        folder: which was searched.
        rows: a run each.
        whole: whether every folder was looked into.
    """

    folder: Path
    rows: tuple[ListedRun, ...]
    whole: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> ListedRun: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ListedRun, ...]: ...
    def __getitem__(self, index: int | slice) -> ListedRun | tuple[ListedRun, ...]:
        return self.rows[index]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: `folder`, `runs` and `whole`."""
        return {"folder": str(self.folder), "runs": [row.to_json() for row in self.rows], "whole": self.whole}

    def __str__(self) -> str:
        if not self.rows:
            return "\n".join([f"no runs below {printable(self.folder)}", *self._cut()])
        table = [HEADINGS, *((*map(_short, row.cells()[:-1]), row.cells()[-1]) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([*lines, *self._cut()])

    __repr__ = __str__

    def _cut(self) -> list[str]:
        return [] if self.whole else [f"only {MOST_FOLDERS:,} folders were looked into; give a folder further down"]

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in HEADINGS)
        body = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row.cells())}</tr>" for row in self.rows)
        below = "".join(f"<p>{escape(line)}</p>" for line in [printable(self.folder), *self._cut()])
        return f"<table><tr>{head}</tr>{body}</table>{below}"


def _short(cell: str) -> str:
    return cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 3]}..."


def list_runs(folder: Path) -> RunList:
    """Return the runs in a folder and up to `DEPTH` levels below it; what is none is passed over.

    Args:
        folder: a folder of runs, or a run itself. Links below it are not followed.
    """
    left = [MOST_FOLDERS]
    found = sorted(_runs(folder, DEPTH, left))
    rows = tuple(_described(path, os.path.relpath(path, folder)) for path in found)
    return RunList(folder, rows, whole=left[0] > 0)


def _runs(folder: Path, depth: int, left: list[int]) -> Iterator[Path]:
    left[0] -= 1
    if _is_run(folder):
        yield folder
    elif depth:
        for inner in _folders(folder):
            if left[0] <= 0:
                return
            yield from _runs(inner, depth - 1, left)


def _is_run(folder: Path) -> bool:
    return os.path.lexists(folder / layout.SETTINGS) and os.path.lexists(folder / layout.CHOICES)


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones and links left out; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            inner = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."]
    except OSError:
        return []
    return [folder / name for name in sorted(inner)]


def _described(path: Path, name: str) -> ListedRun:
    name = path.name if name == "." else name
    finished = os.path.lexists(path / layout.RESULT)
    state = "finished" if finished else "training" if is_held(path) else "unfinished"
    try:
        settings = read_settings(path / layout.SETTINGS)
        score = spec_of(settings.task).score
        validation, epoch = _finished(path, score) if finished else _so_far(path, score)
        test = _test(path, score)
    except (RunError, KeyError, TypeError, ValueError) as error:
        problem = str(error) if isinstance(error, RunError) else f"a record lacks {error}; `visionft check` says which"
        return ListedRun(name, path, "damaged", problem=problem)
    method, backbone = settings.method.name, settings.backbone
    following = _following(path, state)
    return ListedRun(name, path, state, settings.task, method, backbone, validation, test, epoch=epoch, next=following)


def _finished(path: Path, score: Score) -> tuple[float, None]:
    return float(read_json(path / layout.RESULT)["val"][score.name]), None


def _so_far(path: Path, score: Score) -> tuple[float | None, int | None]:
    """Return the best score so far and the last epoch; none of both before the first row of metrics.csv."""
    file = path / layout.METRICS
    if not os.path.lexists(file):
        return None, None
    rows = list(csv.DictReader(verified_table(file).read_text(encoding="utf-8").splitlines()))
    if not rows:
        return None, None
    best = max(rows, key=lambda row: score.key(float(row[score.column]), float(row["val_loss"])))
    return float(best[score.column]), int(rows[-1]["epoch"])


def _test(path: Path, score: Score) -> float | None:
    file = path / layout.EVALUATION / "test" / "metrics.json"
    return float(read_json(file)[score.name]) if os.path.lexists(file) else None


def _following(path: Path, state: str) -> tuple[str, ...]:
    if state == "training":
        return ()
    if state == "unfinished":
        return ("fit", "--config", str(path / layout.SETTINGS))
    if not os.path.lexists(path / layout.WEIGHTS):  # a sweep keeps those of its best runs
        return ()
    if os.path.lexists(path / _BUNDLE):
        return ("predict", str(path / _BUNDLE), "PHOTOS")
    return ("export", str(path))
