"""What a sweep found: a row a trial, a row for all seeds of one draw, the best run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from shlex import quote
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from visionft.sweeping.search_space import short
from visionft.tasks.spec import Score
from visionft.wording.lists import count, some
from visionft.wording.safe_text import printable
from visionft.wording.shown_table import Table

if TYPE_CHECKING:
    from visionft.sweeping.differences import Difference

DONE, PRUNED, FAILED, RUNNING, WAITING = "finished", "pruned", "failed", "running", "waiting"
CAVEAT = (
    "all are on validation, which chose; each difference is tested by itself, so that of many one in twenty seems real "
    "by chance"
)


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: from 1, as its folder is called.
        settings: what was drawn for it, by dotted paths, the seed left out.
        seed: the seed that it met; None: the seed was not varied.
        state: finished, pruned, failed, running or waiting.
        score: on validation; of a pruned one after its last epoch; None: there is none.
        interval: its 95 % interval, where the task's score has one.
        seconds: that its fit took, the last attempt alone where it was interrupted.
        epochs: that were measured while it trained.
        sentence: why it failed.
        run: its folder.
    """

    number: int
    settings: Mapping[str, str]
    seed: str | None
    state: str
    score: float | None = None
    interval: tuple[float, float] | None = None
    seconds: float | None = None
    epochs: int = 0
    sentence: str | None = None
    run: Path | None = None

    @property
    def named(self) -> str:
        """Its settings in words: `method lora, optim.lr 0.001, seed 3`."""
        seed = [] if self.seed is None else [f"seed {self.seed}"]
        return ", ".join([*named(self.settings), *seed]) or "not drawn yet"

    @property
    def outcome(self) -> str:
        """Its state with what belongs to it."""
        if self.state == FAILED:
            return f"failed: {self.sentence}"
        return f"pruned after epoch {self.epochs}" if self.state == PRUNED else self.state


@dataclass(frozen=True)
class DrawRow:
    """All trials of one draw: those of its seeds, or the one where the seed is not varied.

    Attributes:
        settings: what was drawn, by dotted paths.
        trials: its trials.
        behind: how far it is behind the best draw, by the photos of both; None: it is the best, or cannot be compared.
    """

    settings: Mapping[str, str]
    trials: tuple[TrialRow, ...]
    behind: Difference | None = None

    @property
    def scores(self) -> list[float]:
        """Those of its finished trials."""
        return [row.score for row in self.trials if row.state == DONE and row.score is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None: a seed was pruned, failed or is missing, so that it cannot be compared."""
        return fmean(self.scores) if len(self.scores) == len(self.trials) else None

    @property
    def spread(self) -> float | None:
        """Their standard deviation (of a sample); None: there are fewer than two."""
        return stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def settled(self) -> bool:
        """Whether nothing of it is to come."""
        over = [row.state not in (RUNNING, WAITING) for row in self.trials]
        return all(over) or self.trials[0].state in (PRUNED, FAILED)

    def best_run(self, score: Score) -> TrialRow:
        """Return its trial with the best score; of one that has any."""
        return max((row for row in self.trials if row.score is not None), key=lambda row: score.key(row.score or 0, 0))

    @property
    def named(self) -> str:
        """Its settings in words."""
        return ", ".join(named(self.settings)) or "not drawn yet"


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found, and where.

    Attributes:
        folder: the sweep's.
        score: what decided.
        draws: a row for each draw, the best one first, those without a mean last.
        notes: what else is to be said.
        test: the best run's score on the test split, which no other run was asked about; None: there is none, or trials
            are still to come.
    """

    folder: Path
    score: Score
    draws: tuple[DrawRow, ...]
    notes: tuple[str, ...] = ()
    test: float | None = field(default=None)

    @property
    def trials(self) -> list[TrialRow]:
        """A row a trial, by number."""
        return sorted((row for draw in self.draws for row in draw.trials), key=lambda row: row.number)

    @property
    def best_trial(self) -> TrialRow | None:
        """The best trial of the draw with the best mean over its seeds."""
        first = self.draws[0] if self.draws else None
        return first.best_run(self.score) if first is not None and first.mean is not None else None

    @cached_property
    def best(self) -> Any:
        """The `Run` of the best trial; None: no trial is finished.

        Raises:
            RunError: its folder is not here.
        """
        from visionft.runs import Run

        row = self.best_trial
        return None if row is None or row.run is None else Run.open(row.run)

    @property
    def complete(self) -> bool:
        """Whether no trial is to come."""
        return all(draw.settled for draw in self.draws)

    @property
    def table(self) -> Table:
        """A row a trial: its settings by name, validation score with interval, seconds, state."""
        paths = list(dict.fromkeys(path for row in self.trials for path in row.settings))
        seeds = ["seed"] if any(row.seed is not None for row in self.trials) else []
        columns = ("trial", *map(short, paths), *seeds, self.score.column, "low", "high", "seconds", "state", "run")
        values = [
            (
                row.number,
                *(row.settings.get(path) for path in paths),
                *([row.seed] if seeds else []),
                row.score,
                *(row.interval or (None, None)),
                row.seconds,
                row.outcome,
                None if row.run is None else str(row.run),
            )
            for row in self.trials
        ]
        return Table(columns, tuple(values))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        best = self.best_trial
        return {
            "sweep": str(self.folder),
            "best_run": None if best is None or best.run is None else str(best.run),
            self.score.column: None if best is None else best.score,
            f"test_{self.score.name}": self.test,
            "complete": self.complete,
            "trials": [{**asdict(row), "run": None if row.run is None else str(row.run)} for row in self.trials],
            "draws": [self._draw_json(draw) for draw in self.draws],
            "notes": list(self.notes),
        }

    def _draw_json(self, draw: DrawRow) -> dict[str, Any]:
        behind = None if draw.behind is None else {**asdict(draw.behind), "chance": draw.behind.chance}
        return {
            "settings": dict(draw.settings), "trials": [row.number for row in draw.trials], "mean": draw.mean,
            "spread": draw.spread, "behind": behind,
        }  # fmt: skip

    def __str__(self) -> str:
        several = any(len(draw.trials) > 1 for draw in self.draws)
        lines = aligned([("trial", "settings", f"validation {self.score.words}", "95 % interval", "seconds", "state"),
                         *map(self._cells, self._in_order())])  # fmt: skip
        if several:
            heads = ("settings", "mean", "spread", "seeds", "behind the best")
            lines += ["", *aligned([heads, *map(self._draw_cells, self.draws)])]
        return "\n".join([*lines, *self.sentences()])

    def _in_order(self) -> Iterator[TrialRow]:
        return (row for draw in self.draws for row in draw.trials)

    def _cells(self, row: TrialRow) -> tuple[str, ...]:
        score = "" if row.score is None else self._brief(row.score)
        ends = "" if row.interval is None else " to ".join(map(self._brief, row.interval))
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        return str(row.number), printable(row.named), score, ends, seconds, printable(row.outcome)

    def _draw_cells(self, draw: DrawRow) -> tuple[str, ...]:
        mean, spread = ("" if value is None else self._brief(value) for value in (draw.mean, draw.spread))
        seeds = f"{len(draw.scores)} of {len(draw.trials)}"
        return printable(draw.named), mean, spread, seeds, self.behind_words(draw)

    def behind_words(self, draw: DrawRow) -> str:
        """Return how far a draw is behind the best one, and whether that may be chance."""
        if draw.behind is None:
            return ""
        ends = f"{100 * draw.behind.low:.1f} to {100 * draw.behind.high:.1f} points"
        return f"{ends}, {'may be chance' if draw.behind.chance else 'more than chance'}"

    def _brief(self, value: float) -> str:
        return self.score.brief(value, named=False)

    def sentences(self) -> list[str]:
        """Return what the rows mean, a sentence a line."""
        best = self.best_trial
        said = [] if best is None else [f"best: {printable(self.draws[0].named)}, {self._best_words()}: {best.run}"]
        said += self._compared()
        return [*said, *self.notes]

    def _best_words(self) -> str:
        first, best = self.draws[0], self.best_trial
        assert best is not None, "there is one"
        if len(first.trials) > 1:
            spread = "" if first.spread is None else f" with a spread of {self._brief(first.spread)}"
            return (
                f"mean validation {self.score.brief(first.mean or 0)} over {count(len(first.scores), 'seed')}{spread}; "
                f"its best run, seed {best.seed}"
            )
        return f"validation {self.score.brief(best.score or 0)}"

    def _compared(self) -> list[str]:
        others = [draw for draw in self.draws if draw.behind is not None]
        if not others:
            return []
        alike = [draw for draw in others if draw.behind is not None and draw.behind.chance]
        worse = len(others) - len(alike)
        number = "none" if not worse else "all" if worse == len(others) else str(worse)
        said = f"worse than the best by more than chance: {number} of {count(len(others), 'other')}"
        if alike:
            said += f"; maybe as good: {some((printable(draw.named) for draw in alike), 3)}"
        return [f"{said}; {CAVEAT}"]

    @property
    def following(self) -> list[str]:
        """The words of the next command: the export of the best run, or the sweep itself."""
        best = self.best_trial
        there = best is not None and best.run is not None and self.complete
        return ["export", str(best.run)] if there and best is not None else []

    def _repr_html_(self) -> str:
        below = "".join(f"<p>{escape(line)}</p>" for line in self.sentences())
        following = f"<p>Next: visionft {escape(' '.join(map(quote, self.following)))}</p>" if self.following else ""
        return self.table._repr_html_() + below + following

    def __repr__(self) -> str:
        return str(self)


def named(settings: Mapping[str, str]) -> list[str]:
    """Return settings in words, one each."""
    return [f"{short(path)} {value}" for path, value in settings.items()]


def ranked(draws: Sequence[DrawRow], score: Score) -> list[DrawRow]:
    """Return draws with the best mean first, and those without one behind."""
    with_mean = [draw for draw in draws if draw.mean is not None]
    without = [draw for draw in draws if draw.mean is None]
    return [*sorted(with_mean, key=lambda draw: score.key(draw.mean or 0, 0), reverse=True), *without]


def kept_runs(draws: Sequence[DrawRow], score: Score, keep: int) -> set[Path]:
    """Return the runs whose weights stay: the best one of each of the best draws, and all of unsettled ones."""
    settled = ranked([draw for draw in draws if draw.settled and draw.mean is not None], score)
    best = {draw.best_run(score).run for draw in settled[:keep]}
    open_ones = {row.run for draw in draws if not draw.settled for row in draw.trials}
    return {run for run in best | open_ones if run is not None}


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]


def is_here(run: Path | None) -> bool:
    """Tell whether a run's folder is on this machine."""
    return run is not None and os.path.isdir(run)  # noqa: PTH112  # a path of another machine may be none here
