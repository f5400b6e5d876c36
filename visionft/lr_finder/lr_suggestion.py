"""The suggested rate as a value: printed, shown with its picture in a notebook, written as picture and table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.files.atomic_file import atomic_file
from visionft.lr_finder.lr_chart import lr_chart
from visionft.reporting.charts import svg, write_png
from visionft.runs.atomic_write import make_folder, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE, TABLE = "lr_finder.png", "lr_finder.csv"


@dataclass(frozen=True, repr=False)
class LrSuggestion:
    """The learning rate that a range test suggests for a fit.

    Attributes:
        lr: of the top of the backbone, `optim.lr`; the default where the curve says nothing.
        reason: why, in a sentence.
        default: the rate of a fit to which none is given.
        default_reason: why that is the default.
        settings: what to give the fit, by dotted name: `optim.lr`, and `optim.head_lr` where one was given here, in
            its ratio to it.
        rates: of each step [N].
        losses: training loss of each step's batch [N], in the task's unit.
        smoothed: the losses, smoothed [N].
        diverged: whether the loss diverged before the highest rate.
        steps: that were asked for.
        phase: the phase that was tried, counted from 1, and how many the fit has.
        folder: where the picture and the table are; none: nothing is written.
    """

    lr: float
    reason: str
    default: float
    default_reason: str
    settings: dict[str, float]
    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    diverged: bool
    steps: int
    phase: tuple[int, int] = (1, 1)
    folder: Path | None = None

    def figure(self) -> Figure:
        """Draw the losses over the rates, with the suggested one and the default."""
        return lr_chart(self.rates, self.losses, self.smoothed, self.lr, self.default)

    def write(self, folder: str | Path) -> None:
        """Write `lr_finder.png` and `lr_finder.csv` into a folder, in the place of earlier ones.

        Raises:
            DiskSpaceError, RunError: they cannot be written.
        """
        folder = Path(folder)
        make_folder(folder)
        write_text(folder / TABLE, self._table())
        with atomic_file(folder / PICTURE) as partial:
            write_png(self.figure(), partial)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that json can write."""
        return {
            "lr": self.lr,
            "reason": self.reason,
            "default": self.default,
            "default_reason": self.default_reason,
            "settings": self.settings,
            "diverged": self.diverged,
            "steps": self.steps,
            "phase": list(self.phase),
            "rates": list(self.rates),
            "losses": list(self.losses),
            "smoothed": list(self.smoothed),
            "folder": None if self.folder is None else str(self.folder),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines())
        return lines + svg(self.figure(), "Training loss over the learning rate")

    def _lines(self) -> list[str]:
        first, last = self.rates[0], self.rates[-1]
        ended = f"until the loss diverged at {last:.2g}" if self.diverged else f"to {last:.2g}"
        part = f", of phase {self.phase[0]} of {self.phase[1]}" if self.phase[1] > 1 else ""
        return [
            f"tried: {len(self.rates)} steps{part}, the rate rising from {first:.2g} {ended}",
            f"suggested: optim.lr = {self.lr:g}  ({self.reason})",
            f"default:   optim.lr = {self.default:g}  ({self.default_reason})",
        ]

    def _table(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("step", "lr", "loss", "smoothed_loss"))
        writer.writerows(zip(range(1, len(self.rates) + 1), self.rates, self.losses, self.smoothed, strict=True))
        return text.getvalue()
