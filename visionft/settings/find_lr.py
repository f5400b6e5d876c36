"""The settings of find-lr that are not those of the fit it is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Place, Rate, Settings


class FindLrSettings(Settings):
    """Everything that decides a range test, beside the settings of the fit."""

    steps: Annotated[Annotated[int, Field(ge=20, le=10_000)], ALWAYS] = 100
    """Training steps, in each of which the rate rises by the same factor; it ends early where the loss diverges."""
    lowest: Annotated[Rate, ALWAYS] = 1e-7
    """Rate of the first step, of the top of the backbone; the other rates keep their ratios to it."""
    highest: Annotated[Rate, ALWAYS] = 1.0
    """Rate of the last step."""
    out: Annotated[Place | None, ALWAYS] = None
    """Folder of lr_finder.png and lr_finder.csv; none: runs/PHOTOS-find-lr."""
