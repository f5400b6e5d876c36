"""Which method suits photos and this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError, WeightsError
from visionft.tasks.registry import require
from visionft.workflows.fit_settings import fit_settings

if TYPE_CHECKING:
    from visionft.advising import Advice
    from visionft.settings import FitSettings

Say = Callable[[str], None]


def advise(
    photos_or_settings: Any = None,
    /,
    *,
    methods: str | Sequence[str] | None = None,
    steps: int = 20,
    small_files: bool = False,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> Advice:
    """Try the methods on these photos and this machine for some steps each, and recommend one; nothing is written.

    Args:
        photos_or_settings: as for `fit`. The settings of a method are used where it is tried.
        methods: names of the methods to compare, in a list or between commas; none: all of them.
        steps: training steps a method, at least 1; after 30 seconds no new one is begun.
        small_files: one small file a task, beside a base that tasks share, is wanted.
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
    require_advisable(settings, steps)
    from visionft.advising import Limits
    from visionft.advising import advise as advise_on

    return advise_on(settings, names, Limits(steps), small_files=small_files, say=say)


def require_advisable(settings: FitSettings, steps: int = 20) -> None:
    """Refuse what cannot be compared, before anything heavy is imported.

    Raises:
        UsageError, WeightsError: see `advise`.
    """
    if steps < 1:
        raise UsageError(f"--steps: {steps} is less than 1; give a whole number from 1")
    require(
        settings.task, "advise", "advise, which compares methods by how many photos they answer rightly,", "use fit"
    )
    if settings.epochs == 0:
        raise UsageError("--epochs: 0 leaves nothing to try; leave it out, or give a whole number from 1")
    for flag, run in (("--from", settings.from_run), ("--distill", settings.distill)):
        if run is not None:
            raise UsageError(f"{flag}: {run} has no part in advise, which starts from pretrained weights; leave it out")
    if settings.weights == "none":
        raise WeightsError(
            "--weights: none leaves random features, which advise nobody; give hub, or a file of pretrained weights"
        )
