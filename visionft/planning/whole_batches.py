"""Losses that compare the photos of a batch with one another: of a part of a batch they would be another loss."""

from __future__ import annotations

from visionft.errors import UsageError
from visionft.settings import FitSettings
from visionft.tasks.registry import spec_of


def compares(settings: FitSettings) -> bool:
    """Tell whether the loss of the settings compares the photos of a batch."""
    spec = spec_of(settings.task)
    return (settings.loss or spec.losses[0]) in spec.compares


def require_whole_batches(settings: FitSettings, processes: int) -> None:
    """Refuse several processes, each of which would see a part of each batch.

    Raises:
        UsageError: the loss compares the photos of a batch, and processes share it.
    """
    if processes > 1 and compares(settings):
        raise UsageError(
            f"the loss {settings.loss} compares the photos of a batch with one another, and {processes} processes "
            "would each have a part of it; train in one process, or take another --loss"
        )
