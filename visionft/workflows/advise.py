"""Which method suits photos and this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError, WeightsError
from visionft.machine.gpu_cards import Card, card_of
from visionft.tasks.registry import require
from visionft.workflows.fit_settings import fit_settings

if TYPE_CHECKING:
    from visionft.advising import Advice, Forecast
    from visionft.settings import FitSettings

Say = Callable[[str], None]
STEPS = 20


def advise(
    photos_or_settings: Any = None,
    /,
    *,
    methods: str | Sequence[str] | None = None,
    steps: int = STEPS,
    small_files: bool = False,
    for_gpu: str | None = None,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> Advice | Forecast:
    """Try the methods on these photos and this machine for some steps each, and recommend one; nothing is written.

    Or, for a GPU that is not here, foretell how many photos pass at once and about how long a fit takes.

    Args:
        photos_or_settings: as for `fit`. The settings of a method are used where it is tried.
        methods: names of the methods to compare, in a list or between commas; none: all of them.
        steps: training steps a method, at least 1; after 30 seconds no new one is begun.
        small_files: one small file a task, beside a base that tasks share, is wanted.
        for_gpu: name or memory of a GPU, such as `RTX 4090` or `24GB`: what it would take there is forecast.
        config: a YAML file with any of the settings; flags go above it.
        say: receives each line of the report; print by default.
        flags: settings by name, as for `fit`.

    Raises:
        UsageError: a method is unknown, or there is nothing to train.
        WeightsError: there are no pretrained weights.
        DataError: the photos cannot be used.
    """
    from visionft.settings import compared_methods

    names = compared_methods(methods)
    settings = fit_settings(photos_or_settings, config, flags, names, say)
    if for_gpu is not None:
        card = require_forecastable(settings, steps=steps, small_files=small_files, for_gpu=for_gpu)
        from visionft.advising import forecast

        return forecast(settings, names, card, say=say)
    require_advisable(settings, steps)
    from visionft.advising import Limits
    from visionft.advising import advise as advise_on

    return advise_on(settings, names, Limits(steps), small_files=small_files, say=say)


def require_forecastable(settings: FitSettings, *, for_gpu: str, steps: int = STEPS, small_files: bool = False) -> Card:
    """Return the card that is asked about, before anything heavy is imported.

    Args:
        settings: of the fits.
        for_gpu: the card, as it was given.
        steps: as given to `advise`, which has no part in a forecast.
        small_files: the same.

    Raises:
        UsageError: it is no card, or what was given beside it has no part in a forecast.
    """
    card = card_of(for_gpu)
    for flag, given in (("--steps", steps != STEPS), ("--small-files", small_files)):
        if given:
            raise UsageError(f"{flag} is of trials on this machine, and --for {for_gpu} tries nothing; leave one out")
    if settings.hardware.device != "auto":
        raise UsageError(
            f"--hardware.device: {settings.hardware.device} is of this machine, and --for {for_gpu} asks about another "
            "one; leave one of them out"
        )
    _require_fresh(settings)
    return card


def require_advisable(settings: FitSettings, steps: int = STEPS) -> None:
    """Refuse what cannot be compared, before anything heavy is imported.

    Raises:
        UsageError, WeightsError: see `advise`.
    """
    if steps < 1:
        raise UsageError(f"--steps: {steps} is less than 1; give a whole number from 1")
    _require_fresh(settings)
    if settings.weights == "none":
        raise WeightsError(
            "--weights: none leaves random features, which advise nobody; give hub, or a file of pretrained weights"
        )


def _require_fresh(settings: FitSettings) -> None:
    require(
        settings.task, "advise", "advise, which compares methods by how many photos they answer rightly,", "use fit"
    )
    if settings.epochs == 0:
        raise UsageError("--epochs: 0 leaves nothing to try; leave it out, or give a whole number from 1")
    for flag, run in (("--from", settings.from_run), ("--distill", settings.distill)):
        if run is not None:
            raise UsageError(f"{flag}: {run} has no part in advise, which starts from pretrained weights; leave it out")
