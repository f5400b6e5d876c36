"""Charts of a sweep: what each draw scored, and the score over each setting that was varied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visionft.reporting.charts import BLUE, GREY, ORANGE, STYLE
from visionft.sweeping.search_space import Dimension
from visionft.sweeping.sweep_result import DONE, PRUNED, DrawRow, SweepResult, TrialRow
from visionft.tasks.spec import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 40
"""Draws that are shown one by one, the best first."""
LONGEST = 40
"""Letters of a draw's settings that stand beside it."""


def ranking(result: SweepResult) -> Figure | None:
    """Draw the best draws in order: every trial's score with its 95 % interval; None where no draw has a mean."""
    shown = [draw for draw in result.draws if draw.mean is not None][:MOST]
    if not shown:
        return None
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 0.9 + 0.28 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for place, draw in enumerate(shown):
            _trials(axes, place, draw)
        axes.set_yticks(range(len(shown)), [_short(draw.named) for draw in shown], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(f"validation {result.score.words}, with the 95 % interval of each trial")
        _format(axes, result.score, "x")
        return figure


def _trials(axes: Axes, place: int, draw: DrawRow) -> None:
    for number, row in enumerate(draw.trials):
        shift = 0.0 if len(draw.trials) == 1 else 0.5 * (number / (len(draw.trials) - 1) - 0.5)
        if row.interval is not None:
            axes.plot(row.interval, [place + shift] * 2, color=GREY, linewidth=1.2)
        if row.score is not None:
            axes.plot([row.score], [place + shift], color=BLUE, marker="o")
    if len(draw.trials) > 1 and draw.mean is not None:
        axes.plot([draw.mean], [place], color=ORANGE, marker="D")


def by_setting(result: SweepResult, varied: Sequence[Dimension]) -> Figure | None:
    """Draw the score of every trial over each setting that was varied; None where no trial has a score."""
    rows = [row for row in result.trials if row.score is not None]
    if not rows or not varied:
        return None
    columns = min(3, len(varied))
    lines = -(-len(varied) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * columns, 2.6 * lines), layout="constrained")
        every = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, one in zip(every, varied, strict=False):
            _points(axes, one, rows)
            axes.set_title(one.name, loc="left")
            _format(axes, result.score, "y")
        for axes in every[len(varied) :]:
            axes.set_visible(False)
        return figure


def _points(axes: Axes, one: Dimension, rows: Sequence[TrialRow]) -> None:
    for state, colour, label in ((DONE, BLUE, "finished"), (PRUNED, ORANGE, "pruned, after its last epoch")):
        found = [row for row in rows if row.state == state and one.path in row.settings]
        places = [_place(one, row.settings[one.path]) for row in found]
        axes.plot(places, [row.score or 0.0 for row in found], color=colour, marker="o", linestyle="", label=label)
    if one.values:
        axes.set_xticks(range(len(one.values)), one.values, fontsize=8)
    elif one.log:
        axes.set_xscale("log")
    elif one.whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _place(one: Dimension, value: str) -> float:
    return float(one.values.index(value)) if one.values else float(value)


def _format(axes: Axes, score: Score, which: str) -> None:
    if score.style.endswith("%"):
        (axes.xaxis if which == "x" else axes.yaxis).set_major_formatter("{x:.0%}")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
