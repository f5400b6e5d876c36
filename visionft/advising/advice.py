"""The advice as a value: printed, shown in a notebook, written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from visionft.advising.first_look import FirstLook
from visionft.advising.method_costs import Row
from visionft.advising.recommendation import Recommendation
from visionft.training.eta import spoken

BUSY = 0.5  # processes a core: half of the machine is somebody else's
HEADINGS = ("method", "images/s", "peak MB", "MB a photo", "trained", "stored MB", "whole fit")


@dataclass(frozen=True)
class Advice:
    """Which method suits these photos on this machine.

    Attributes:
        look: what the frozen backbone's features are worth.
        rows: what each method costs here, or why it is refused.
        recommendation: the method to take, with its reason.
        steps: training steps that were asked for, a method.
        load: processes a core wanted to run before the trials began, other people's that is.
    """

    look: FirstLook
    rows: tuple[Row, ...]
    recommendation: Recommendation
    steps: int
    load: float

    @property
    def method(self) -> str:
        """The name of the recommended method."""
        return self.recommendation.method

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that json can write; a refused method has None for its figures."""
        look = self.look
        return {
            "first_look": {
                **asdict(look),
                "knn_interval": list(look.interval(look.knn_top1)),
                "probe_interval": list(look.interval(look.probe_top1)),
            },
            "rows": [_plain(row) for row in self.rows],
            "steps": self.steps,
            "load": self.load,
            "recommendation": asdict(self.recommendation),
        }

    def __str__(self) -> str:
        table = aligned([HEADINGS, *(cells(row) for row in self.rows if row.refusal is None)])
        refused = [f"  {row.method}: {row.refusal}" for row in self.rows if row.refusal]
        last = f"recommended: {self.method}: {self.recommendation.reason}"
        return "\n".join([*_first_lines(self.look), *table, *refused, *disturbed(self.load), last])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in [*_first_lines(self.look), *disturbed(self.load)])
        head = "".join(f"<th>{name}</th>" for name in HEADINGS)
        body = "".join(f"<tr>{_html_cells(row)}</tr>" for row in self.rows)
        last = f"<p><b>{escape(self.method)}</b>: {escape(self.recommendation.reason)}</p>"
        return f"{lines}<table><tr>{head}</tr>{body}</table>{last}"


def disturbed(load: float) -> list[str]:
    """Return a warning in one line where other work ran beside the trials."""
    if load < BUSY:
        return []
    return [
        f"  the machine was busy ({load:.1f} processes a core before this began): speeds and times hold for that "
        "moment alone, and their order may be chance"
    ]


def _first_lines(look: FirstLook) -> list[str]:
    answers = (
        (f"nearest neighbours (k = {look.neighbours})", look.knn_top1),
        ("logistic regression", look.probe_top1),
    )
    width = max(len(name) for name, _ in answers)
    lines = [f"frozen {look.backbone} on {look.held_out:,} validation photos, nothing trained:"]
    for name, top1 in answers:
        low, high = look.interval(top1)
        lines.append(f"  {name:{width}}  {top1:>6.1%}  95 % interval {low:.1%} to {high:.1%}")
    return lines


def cells(row: Row) -> tuple[str, ...]:
    """Return the row's figures in words, in the order of the headings."""
    return (
        row.method,
        f"{row.images_per_second:.1f}",
        f"{row.peak_memory_mb:,.0f}",
        f"{row.saved_mb:.1f}",
        f"{row.trained:,}",
        f"{row.stored_mb:.2f}{' own file' if row.own_file else ''}",
        spoken(row.seconds) + (f", {row.epochs} epochs" if row.epochs else ""),
    )


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns: the first and the last to the left, figures to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column in (0, len(row) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _plain(row: Row) -> dict[str, Any]:
    said = asdict(row)
    return said if row.refusal is None else {**dict.fromkeys(said), "method": row.method, "refusal": row.refusal}


def _html_cells(row: Row) -> str:
    if row.refusal is None:
        return "".join(f"<td>{escape(cell)}</td>" for cell in cells(row))
    return f"<td>{row.method}</td><td colspan={len(HEADINGS) - 1}>{escape(row.refusal)}</td>"
