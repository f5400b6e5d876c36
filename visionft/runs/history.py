"""One row an epoch: what training looked like, and what it says about overfitting."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from visionft.runs.atomic_write import write_text
from visionft.runs.run_files import damaged, verified_table
from visionft.tasks.registry import DEFAULT, spec_of
from visionft.wording.shown_table import Table

SCORE = "val_score"
"""The field whose column in metrics.csv is named by the task."""


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch.

    Attributes:
        epoch: number from 1; 0 is the start (the solved head).
        phase: number of the schedule's phase, from 1.
        step: optimizer steps done.
        lr: rate of the top of the backbone at the epoch's last step.
        train_loss: mean loss over augmented photos, label smoothing included; nan at the start.
        val_loss: log-loss on validation, of the weights that would be exported.
        val_score: what the best epoch is chosen by, as the task says: of classification top-1, in [0, 1].
        seconds: wall time of the epoch, validation included.
        images_per_second: photos trained a second, validation left out.
    """

    epoch: int
    phase: int
    step: int
    lr: float
    train_loss: float
    val_loss: float
    val_score: float
    seconds: float
    images_per_second: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Epoch:
        """Build from a row of a checkpoint; an older one has the score of classification by its own name."""
        return cls(**{SCORE if name == "val_top1" else name: value for name, value in row.items()})


def write_csv(path: Path, history: Sequence[Epoch], task: str = DEFAULT) -> None:
    """Replace metrics.csv with the rows so far; the score's column has the name that the task gives it."""
    text = io.StringIO()
    column = spec_of(task).score.column
    names = {field.name: column if field.name == SCORE else field.name for field in fields(Epoch)}
    writer = csv.DictWriter(text, list(names.values()), lineterminator="\n")
    writer.writeheader()
    writer.writerows({names[name]: value for name, value in asdict(epoch).items()} for epoch in history)
    write_text(path, text.getvalue())


def table(path: Path) -> Table:
    """Read metrics.csv as it stands: a row an epoch; None where nothing was measured, as the loss before any step.

    Raises:
        RunError: the file is missing or damaged.
    """
    text = verified_table(path).read_text(encoding="utf-8", errors="replace")
    try:
        names, *rows = csv.reader(text.splitlines())
        values = tuple(tuple(map(_figure, row)) for row in rows)
        if any(len(row) != len(names) for row in values):
            raise ValueError("its rows differ in length")
    except (ValueError, csv.Error) as error:
        raise damaged(path, f"it is no table of figures: {error}") from error
    return Table(tuple(names), values)


def _figure(word: str) -> float | int | None:
    value = float(word)
    if math.isnan(value):
        return None
    return int(value) if word.isdigit() else value


def best(history: Sequence[Epoch], task: str = DEFAULT) -> Epoch:
    """Return the epoch whose weights are kept: of the best validation score and, of equal ones, the least loss.

    The answers decide, as they are what is asked for. Loss alone would keep a solved head where a network trained with
    label smoothing is right more often: its probabilities are off, and the temperature mends them.
    """
    score = spec_of(task).score
    return max(history, key=lambda row: score.key(row.val_score, row.val_loss))


def least_loss(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch of the least validation loss, the first of equal ones."""
    return min(history, key=lambda row: row.val_loss)


def no_longer_better(history: Sequence[Epoch], patience: int | None) -> bool:
    """Tell whether the validation loss was not lowered for `patience` epochs; never where there is no patience."""
    if patience is None or not history:
        return False
    return history[-1].epoch - least_loss(history).epoch >= patience
