"""Charts by matplotlib: as SVG that takes the colours of the page around it, and as PNG files of their own."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visionft.tasks.registry import DEFAULT, spec_of
from visionft.tasks.spec import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#123457"
"""Stands for the colour of the page's text, and is replaced by it in SVG; no other colour here is like it."""
BLUE, ORANGE, GREY = "#2f7ed8", "#d9730d", "#8a8f98"
"""Lines and bars: told apart by people with any colour vision, on white and on black."""
COLOURS = (BLUE, ORANGE, "#3f9e6b", "#a05fc4", "#b5484f", "#7a7f00")
"""Of several runs in one chart; with two kinds of lines they are twelve."""
DOTS = 110  # an inch
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's font
    "svg.hashsalt": "visionft",  # the same ids whenever it is drawn
    "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY, "xtick.color": INK,
    "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": GREY,
    "grid.alpha": 0.25, "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "legend.frameon": False, "lines.linewidth": 1.8, "lines.markersize": 4, "axes.titlesize": 10,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"],
}  # fmt: skip
LABELLED = 100
"""Classes up to which confusion.png has their names."""
TOP1 = spec_of(DEFAULT).score
LETTERS = 26
"""Of a name beside a matrix."""


def curves(epochs: Sequence[Mapping[str, Any]], phases: Sequence[Mapping[str, Any]], score: Score = TOP1) -> Figure:
    """Draw losses, the score and learning rate by epoch, with the beginnings of the schedule's phases."""
    # Margins are written out where labels have a known width: to have them found takes as long as the drawing itself.
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 2.9))
        figure.subplots_adjust(left=0.055, right=0.99, bottom=0.17, top=0.9, wspace=0.36)
        loss, top1, rate = figure.subplots(1, 3)
        _line(loss, epochs, "train_loss", "training", BLUE)
        _line(loss, epochs, "val_loss", "validation", ORANGE)
        _line(top1, epochs, score.column, "validation", ORANGE)
        _line(rate, epochs, "lr", "learning rate", BLUE)
        for axes, title in ((loss, "loss (nats)"), (top1, score.words), (rate, "learning rate, top of the backbone")):
            axes.set_title(title, loc="left")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(y=0.12)
            _mark(axes, phases)
        top1.yaxis.set_major_formatter("{x:.0%}")
        loss.legend()
        rate.set_ylim(bottom=0)
        return figure


def compared(runs: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Figure:
    """Draw validation loss and top-1 by epoch of several runs, each by its letter."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.2))
        figure.subplots_adjust(left=0.055, right=0.99, bottom=0.16, top=0.9, wspace=0.2)
        both = figure.subplots(1, 2)
        for axes, name, title in zip(both, ("val_loss", "val_top1"), ("validation loss (nats)", "top-1"), strict=True):
            for at, (letter, epochs) in enumerate(runs):
                found = [(row["epoch"], row[name]) for row in epochs if row[name] is not None]
                colour, line = COLOURS[at % len(COLOURS)], ("-", "--")[at // len(COLOURS) % 2]
                axes.plot(
                    [x for x, _ in found], [y for _, y in found], color=colour, linestyle=line, marker="o", label=letter
                )
            axes.set_title(title, loc="left")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(y=0.12)
        both[1].yaxis.set_major_formatter("{x:.0%}")
        both[0].legend(ncols=2)
        return figure


def ranked(shares: Sequence[tuple[str, float, tuple[float, float]]]) -> Figure:
    """Draw shares with their intervals below one another: a letter, the share, and the ends of its interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 0.9 + 0.3 * len(shares)), layout="constrained")
        axes = figure.subplots()
        for place, (_, share, ends) in enumerate(shares):
            axes.plot(ends, [place, place], color=GREY)
            axes.plot([share], [place], color=BLUE, marker="o")
        axes.set_yticks(range(len(shares)), [letter for letter, *_ in shares])
        axes.set_ylim(len(shares) - 0.5, -0.5)
        axes.set_xlabel("top-1, with its 95 % interval")
        axes.xaxis.set_major_formatter("{x:.0%}")
        return figure


def reliability(bins: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw accuracy by probability, with the photos of each bin."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.6))
        figure.subplots_adjust(left=0.13, right=0.97, bottom=0.13, top=0.98, hspace=0.1)
        axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as probable as right")
        places = [row["probability"] for row in bins]
        axes.plot(places, [row["accuracy"] for row in bins], color=BLUE, marker="o", label="answers")
        axes.set_ylabel("share right")
        axes.legend(loc="upper left")
        counts.bar(
            [(row["above"] + row["to"]) / 2 for row in bins], [row["n"] for row in bins], 1 / 15, color=BLUE, alpha=0.6
        )
        counts.set_ylabel("photos")
        counts.set_xlabel("probability of the answer")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        return figure


def known_scores(scores: Sequence[float], threshold: float | None) -> Figure:
    """Draw how many known photos have which score, and the threshold below which photos are unknown."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.0))
        figure.subplots_adjust(left=0.13, right=0.97, bottom=0.16, top=0.97)
        axes = figure.subplots()
        axes.hist(scores, bins=30, color=BLUE, alpha=0.7)
        if threshold is not None:
            axes.axvline(threshold, color=ORANGE, linestyle="--", label=f"threshold {threshold:.2f}")
            axes.legend(loc="upper left")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("known score")
        axes.set_ylabel("validation photos")
        return figure


def confusion(counts: Sequence[Sequence[int]], names: Sequence[str]) -> Figure:
    """Draw a confusion matrix: rows are the truth, colour is the share of a row; the names of up to 100 classes."""
    matrix = np.asarray(counts, np.float64)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(16.0, 3.0 + 0.28 * len(names)) if len(names) <= LABELLED else 10.0
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        figure.colorbar(axes.imshow(shares, cmap="Blues", vmin=0, vmax=1), ax=axes, label="share of the true class")
        axes.set_xlabel("answered")
        axes.set_ylabel("true")
        if len(names) <= LABELLED:
            size = 9 if len(names) <= 40 else 6
            shown = [ending(name) for name in names]
            axes.set_xticks(range(len(names)), shown, rotation=90, fontsize=size)
            axes.set_yticks(range(len(names)), shown, fontsize=size)
        if len(names) <= 20:
            for (row, column), count in np.ndenumerate(matrix):
                if count:
                    ink = "white" if shares[row, column] > 0.5 else "black"
                    axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=ink, fontsize=9)
        return figure


def svg(figure: Figure, label: str) -> str:
    """Return a figure as an inline SVG that scales, in the colour and font of the page's text, with a name."""
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace(INK, "currentColor").replace("'DejaVu Sans'", "inherit")
    text = re.sub(r"font: (\d+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    head = f'<svg role="img" aria-label="{label}"'
    return re.sub(r"^<svg", head, re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2))


def write_png(figure: Figure, path: Path) -> None:
    """Write a figure on white; the same figure gives the same bytes."""
    with mpl.rc_context({**STYLE, "savefig.facecolor": "white"}), path.open("wb") as file:
        figure.set_facecolor("white")
        FigureCanvasAgg(figure)
        figure.savefig(file, format="png", dpi=DOTS, metadata={"Software": None})


def _line(axes: Axes, epochs: Sequence[Mapping[str, Any]], name: str, label: str, colour: str) -> None:
    found = [(row["epoch"], row[name]) for row in epochs if row[name] is not None and (name != "lr" or row["epoch"])]
    axes.plot([x for x, _ in found], [y for _, y in found], color=colour, marker="o", label=label)


def _mark(axes: Axes, phases: Sequence[Mapping[str, Any]]) -> None:
    """Draw where a phase begins; a single phase has no border."""
    for phase in phases if len(phases) > 1 else ():
        place = phase["first"] - 0.5
        axes.axvline(place, color=GREY, linestyle=":")
        axes.text(place, 1.0, f" phase {phase['phase']}", transform=axes.get_xaxis_transform(), va="top", fontsize=8)


def ending(name: str) -> str:
    """Return the end of a name, which tells classes of one branch apart, short enough to stand beside a matrix."""
    return name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}"
