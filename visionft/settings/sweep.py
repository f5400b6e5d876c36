"""The settings of sweep that are not those of the fits it makes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Count, Place, Settings, Word


class SweepSettings(Settings):
    """Everything that decides a sweep, beside the settings of its fits."""

    over: Annotated[Word | None, ALWAYS] = None
    """What is varied, such as lr=1e-4..1e-2,method=full,lora,seed=0..4: ranges (of real numbers on a logarithmic scale
    from two decades on) and values, of any settings of fit. Every other draw meets every seed."""
    trials: Annotated[Count, ALWAYS] = 20
    """Fits that are made, those of every seed counted; a larger number goes on with a finished sweep."""
    prune: Annotated[Literal["median", "hyperband", "none"], ALWAYS] = "median"
    """Which trials end early by their score on validation after an epoch: `median`, those below the median of the
    others, from the second epoch on and once five are done; `hyperband` (arXiv 1603.06560); or none."""
    keep: Annotated[Annotated[int, Field(ge=1)], ALWAYS] = 3
    """Runs whose weights are kept, the best ones; of the others everything but the weights."""
    workers: Annotated[Annotated[int, Field(ge=1, le=64)], ALWAYS] = 1
    """Processes that make trials at once on this machine, each a whole fit; they share its cores and its GPU."""
    storage: Annotated[Word | None, ALWAYS] = None
    """The URL of a database, such as postgresql://user@host/name, where the same command on several machines works at
    one sweep; none: SQLite in the folder."""
    out: Annotated[Place | None, ALWAYS] = None
    """The sweep's folder; none: runs/PHOTOS-sweep. The same command again goes on with it."""
