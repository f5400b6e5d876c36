"""The settings of a fit, whole or in parts, as its callers and those of advise give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError

if TYPE_CHECKING:
    from visionft.settings import FitSettings


def fit_settings(
    given: str | Path | FitSettings | None,
    config: str | Path | None,
    flags: dict[str, Any],
    methods: Sequence[str] = (),
) -> FitSettings:
    """Return whole settings as they were given, or build them of what was; SettingsError says what is wrong."""
    # Here, not above: whoever only serves has no PyYAML.
    from visionft.settings import FitSettings, build_for, require_effect

    if not isinstance(given, FitSettings):
        return build_for(methods, given, config, **flags)
    if flags or config:
        raise UsageError("fit was given complete settings and flags; put the flags into the settings")
    require_effect(given, methods)
    return given
