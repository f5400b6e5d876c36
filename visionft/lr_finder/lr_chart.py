"""The picture of a range test: the loss of each step over its rate, and the rate that it suggests."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from visionft.reporting.charts import BLUE, GREY, ORANGE, STYLE

ABOVE = 0.6  # of the height of what fell, that is shown above its start: a diverging end would flatten all the rest


def lr_chart(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], lr: float, default: float
) -> Figure:
    """Draw the losses, and marks at the suggested rate and the default's.

    Args:
        rates: of `optim.lr` [N].
        losses: of each step [N].
        smoothed: the same [N].
        lr: the suggested rate.
        default: what is taken where no rate is given.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.plot(rates, losses, color=GREY, marker=".", linestyle="", alpha=0.6, label="loss of a batch")
        axes.plot(rates, smoothed, color=BLUE, label="smoothed")
        axes.axvline(lr, color=ORANGE, label=f"suggested {lr:g}")
        if default != lr:
            axes.axvline(default, color=GREY, linestyle="--", label=f"default {default:g}")
        axes.set_xscale("log")
        axes.set_ylim(*_shown(np.asarray(losses), np.asarray(smoothed)))
        axes.set_xlabel("learning rate of the top of the backbone")
        axes.set_ylabel("training loss")
        axes.legend(loc="best")
        return figure


def _shown(losses: np.ndarray, smoothed: np.ndarray) -> tuple[float, float]:
    """Return the ends of the loss axis: all that comes before the lowest place, and some of what follows it."""
    before = losses[: max(3, int(smoothed.argmin()) + 1)]
    low, high = float(min(losses.min(), smoothed.min())), float(max(before.max(), smoothed[0]))
    room = max(high - low, 1e-6)
    return low - 0.05 * room, high + ABOVE * room
