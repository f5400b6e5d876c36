"""Which learning rate suits a fit: a range test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.tasks.registry import require_installed
from visionft.workflows.fit_settings import fit_settings
from visionft.workflows.run_or_bundle import place_of

if TYPE_CHECKING:
    from visionft.lr_finder import LrSuggestion
    from visionft.settings import FitSettings

Say = Callable[[str], None]


def find_lr(
    photos_or_settings: Any = None,
    /,
    *,
    steps: int = 100,
    lowest: float = 1e-7,
    highest: float = 1.0,
    out: str | Path | None = None,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> LrSuggestion:
    """Take the first steps of a fit under a rate that rises from step to step, and suggest a learning rate.

    The learning-rate range test (arXiv 1506.01186): the suggested rate is the one at which the loss falls fastest. No
    run is made, and the fit afterwards is the one that it would have been without this.

    Args:
        photos_or_settings: as for `fit`.
        steps: training steps, from 20 to 10,000.
        lowest: rate of the first step, above 0.
        highest: rate of the last step, above `lowest` and below 10.
        out: folder of lr_finder.png and lr_finder.csv; none: runs/PHOTOS-find-lr.
        config: a YAML file with any of the settings; flags go above it.
        say: receives each line of the report; print by default.
        flags: settings by name, as for `fit`, but for `optim.lr`.

    Returns:
        The rate with its reason and its curve; a fit takes it as `optim.lr`.

    Raises:
        UsageError: a number is out of range, or no rate has an effect on the fit.
        DataError, WeightsError, BackboneError: as of `fit`.
        RunError: the loss diverged at once, or nothing can be written.
    """
    settings = fit_settings(photos_or_settings, config, flags, say=say)
    folder = place_of(out, "--out") or Path("runs") / f"{settings.photos.absolute().stem}-find-lr"
    require_findable(settings, steps, lowest, highest)
    from visionft.lr_finder import search_rate
    from visionft.lr_finder.lr_range_test import Span

    return search_rate(settings, Span(steps, lowest, highest), folder, say)


def require_findable(settings: FitSettings, steps: int, lowest: float, highest: float) -> None:
    """Refuse what has no rate to find, before anything heavy is imported.

    Raises:
        UsageError, MissingExtraError: see `find_lr`.
    """
    from visionft.settings.applicability import RATED
    from visionft.settings.find_lr import FindLrSettings
    from visionft.settings.obstacles import obstacle
    from visionft.settings.own_names import is_own

    asked = FindLrSettings.model_fields["steps"].metadata
    least, most = (next(getattr(one, name) for one in asked if hasattr(one, name)) for name in ("ge", "le"))
    if not least <= steps <= most:
        raise UsageError(f"--steps: {steps} is out of range; give a whole number from {least} to {most}")
    if not 0 < lowest < highest < 10:
        raise UsageError(
            f"--lowest, --highest: a rate cannot rise from {lowest:g} to {highest:g}; give two above 0 and below 10, "
            "the smaller one as --lowest"
        )
    if settings.optim.lr != "auto":
        raise UsageError(f"--optim.lr: {settings.optim.lr:g} is given, and find-lr looks for it; leave it out")
    if found := obstacle(RATED, settings):
        raise UsageError(f"find-lr: there is no rate to find, as {found.why}; {found.remedy}")
    for flag, run in (("--from", settings.from_run), ("--distill", settings.distill)):
        if run is not None:
            raise UsageError(f"{flag}: {run} has no part in find-lr, which tries a fit of its own; leave it out")
    if is_own(settings.loss):
        raise UsageError(f"loss: {settings.loss} is a function of yours, which find-lr cannot send to another process")
    require_installed(settings.task)
