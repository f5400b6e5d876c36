"""The settings of advise that are not those of the fits it tries."""

from __future__ import annotations

from typing import Annotated

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Count, Settings


class AdviseSettings(Settings):
    """Everything that decides what is compared, beside the settings of fit."""

    methods: Annotated[str | None, ALWAYS] = None
    """Methods to compare, such as lora,full; none: all."""
    steps: Annotated[Count, ALWAYS] = 20
    """Training steps a method; after 30 seconds no new one is begun."""
    small_files: Annotated[bool, ALWAYS] = False
    """One small file a task, beside a base that tasks share, is wanted."""
    for_gpu: Annotated[str | None, ALWAYS] = None
    """A GPU that is not here, by its name or its memory, such as RTX 4090 or 24GB: memory and time are forecast for it,
    and nothing is tried."""
