"""The settings of a fit, whole or in parts, as its callers and those of advise give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.workflows.in_memory_photos import stored_photos
from visionft.workflows.remote_photos import with_local_photos

if TYPE_CHECKING:
    from visionft.settings import FitSettings

UNKEPT = "photos from memory"
"""Stands for photos that have no place yet: neither a folder nor a file."""


def fit_settings(
    given: Any,
    config: str | Path | None,
    flags: dict[str, Any],
    methods: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> FitSettings:
    """Return whole settings as they were given, or build them of what was.

    Args:
        given: whole settings, the path of photos, or photos in memory, which are then kept in files.
        config: a YAML file, beneath the flags.
        flags: settings by name.
        methods: names of the methods that the settings are for; none: their own.
        say: prints one line.

    Raises:
        SettingsError: says what is wrong.
        DataError: photos in memory cannot be used.
    """
    # Here, not above: whoever only serves has no PyYAML.
    from visionft.settings import FitSettings, build_for, require_effect

    if given is None and not isinstance(flags.get("photos"), str | PathLike):
        given = flags.get("photos")
        flags = {name: value for name, value in flags.items() if name != "photos"}
    if not isinstance(given, FitSettings):
        if given is not None and not isinstance(given, str | PathLike):
            given = _kept(given, build_for(methods, Path(UNKEPT), config, **flags), say)
        return _ready(build_for(methods, given, config, **flags), say)
    if flags or config:
        raise UsageError("fit was given complete settings and flags; put the flags into the settings")
    require_effect(given, methods)
    return _ready(given, say)


def _kept(photos: Any, settings: FitSettings, say: Callable[[str], None]) -> Path:
    """Put photos from memory into files and return their manifest, after the other settings proved right."""
    kept = stored_photos(photos, settings.data, settings.task)
    assert kept is not None, "asked for what is no path"
    for line in (str(kept), *(f"note: {note}" for note in kept.notes)):
        say(line)
    return kept.manifest


def _ready(settings: FitSettings, say: Callable[[str], None]) -> FitSettings:
    return _with_pipeline_read(with_local_photos(settings, say))


def _with_pipeline_read(settings: FitSettings) -> FitSettings:
    """Put what the file of a pipeline holds in the place of its name: the file may change, a run's settings may not."""
    given = settings.augment.pipeline
    if given is None:
        return settings
    from visionft.data.transforms.own_pipeline import pipeline_text

    augment = settings.augment.model_copy(update={"pipeline": pipeline_text(given)})
    return settings.model_copy(update={"augment": augment})
