"""A range test in a process of its own, and what its curve suggests: nothing of the caller's is moved by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from visionft import data
from visionft.errors import RunError
from visionft.lr_finder.lr_curve import read_curve
from visionft.lr_finder.lr_range_test import Curve, Span, range_test
from visionft.lr_finder.lr_suggestion import PICTURE, TABLE, LrSuggestion
from visionft.machine.progress import Say, bar
from visionft.machine.subprocesses import in_process
from visionft.planning.plan import require_obtainable
from visionft.settings import FitSettings

LEAST = 10
"""Steps below which a loss that diverges at once leaves no curve."""


def search_rate(settings: FitSettings, span: Span, folder: Path, say: Say = print) -> LrSuggestion:
    """Take the first steps of a fit under a rising rate, and return the rate that their losses suggest.

    Weights, optimizer and random numbers are those of another process, which ends: a fit afterwards does what it would
    have done without this.

    Args:
        settings: as for a fit, with "auto"; `optim.lr` is "auto".
        span: rates and steps.
        folder: where the picture and the table are written.
        say: prints one line.

    Raises:
        DataError, WeightsError, BackboneError, UsageError: as in a fit.
        RunError: nothing can be written.
    """
    require_obtainable(settings)
    suggestions = None if settings.apply is None else data.read_suggestions(settings.apply)
    with bar("reading photos") as advance:
        manifest = data.prepare(
            settings.photos, settings.data, on_progress=advance, task=settings.task, suggestions=suggestions
        )
    say(data.summary(manifest))
    say(f"up to {span.steps} steps, the rate rising from {span.lowest:g} to {span.highest:g}; no run is made")
    with bar("steps of training") as advance:
        curve = in_process(range_test, settings, manifest, span, advance=advance)
    for line in curve.said:
        say(line)
    found = suggestion(curve, settings, span, folder)
    found.write(folder)
    say(f"written: {folder / PICTURE}, {folder / TABLE}")
    return found


def suggestion(curve: Curve, wanted: FitSettings, span: Span, folder: Path | None = None) -> LrSuggestion:
    """Return what a curve says, beside the default's rate.

    Raises:
        RunError: the loss diverged before there was a curve.
    """
    if len(curve.losses) < LEAST:
        raise RunError(
            f"find-lr: the loss diverged after {len(curve.losses)} steps, at a rate of {span.lowest:g} already; give "
            "a smaller --lowest"
        )
    rates, losses = np.asarray(curve.rates), np.asarray(curve.losses)
    default = float(curve.settings.optim.lr)
    read = read_curve(rates, losses, span.steps, curve.diverged, default)
    lr = default if read.lr is None else read.lr
    reason = read.reason if read.lr is not None else f"the default: {read.reason}; a higher --highest may say more"
    give = {"optim.lr": lr}
    if wanted.optim.head_lr != "auto":
        give["optim.head_lr"] = float(f"{wanted.optim.head_lr * lr / default:.3g}")
    return LrSuggestion(
        lr, reason, default, curve.default, give, curve.rates, curve.losses, read.smoothed.tolist(), curve.diverged,
        span.steps, curve.phase, folder,
    )  # fmt: skip
