"""The settings of one search, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Settings


class SearchSettings(Settings):
    """Everything that decides what is found, beside the index and the photos."""

    where: Annotated[str | None, ALWAYS] = None
    """A condition over the columns of the index, as SQL has it: "colour = 'red' AND price < 20"."""
    per_product: Annotated[bool, ALWAYS] = False
    """One hit a product, its nearest photo; a photo without a product is one of its class."""
    top: Annotated[int, ALWAYS] = 10
    """Hits for each photo, the nearest first."""
    none_below: Annotated[float | Literal["auto"] | None, ALWAYS] = None
    """Cosine from -1 to 1 below which a photo is not in the catalogue; auto: the threshold that was fitted when the
    index was made; none: every photo has its hits."""
    model: Annotated[Path | None, ALWAYS] = None
    """Where the run or bundle is now that the index was made with; none: where it was."""
