"""The best weights so far of a run that was not finished: usable, and marked as what they are."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from visionft.errors import RunError
from visionft.runs import layout
from visionft.runs.run_files import damaged, recorded, verified_table, verify
from visionft.runs.weights_file import epoch_of
from visionft.tasks.registry import DEFAULT, spec_of


def best_epoch(folder: Path) -> int:
    """Return the epoch of the best weights so far; 0 is the solved head.

    Raises:
        RunError: there are none yet, or a file is damaged.
    """
    weights = folder / layout.BEST
    if not os.path.lexists(weights) and not recorded(weights):
        raise RunError(
            f"the run {folder} is not finished and has no weights yet; run the same `visionft fit` again to go on "
            "with it"
        )
    verify(weights)
    marked = epoch_of(weights)
    if marked is not None:
        return marked
    rows = _rows(folder)  # an older version did not mark them
    return int(max(rows, key=lambda row: (row["val_top1"], -row["val_loss"]))["epoch"])


def result_so_far(folder: Path, epoch: int, task: str = DEFAULT) -> dict[str, Any]:
    """Return what stands in the place of result.json: the figures of that epoch, as training measured them."""
    score = spec_of(task).score
    row = next((row for row in _rows(folder, score.column) if row["epoch"] == epoch), None)
    if row is None:
        raise damaged(folder / layout.METRICS, f"no row of epoch {epoch}")
    return {"unfinished": True, "epoch": epoch, "val": {score.name: row[score.column], "log_loss": row["val_loss"]}}


def sentence(folder: Path, epoch: int) -> str:
    """Say whose weights these are."""
    name = "the solved head, before any epoch" if epoch == 0 else f"epoch {epoch}"
    return (
        f"note: the run {folder} is not finished; these are its best weights so far, of {name}, without a calibration: "
        "the same `visionft fit` again goes on with it"
    )


def _rows(folder: Path, column: str = "val_top1") -> list[dict[str, float]]:
    file = folder / layout.METRICS
    try:
        rows = list(csv.DictReader(verified_table(file).read_text(encoding="utf-8").splitlines()))
        found = [{name: float(row[name]) for name in ("epoch", column, "val_loss")} for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise damaged(file, type(error).__name__) from error
    if not found:
        raise damaged(file, "no rows")
    return found
