"""The settings of one prediction, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Settings


class PredictSettings(Settings):
    """Everything that decides how photos are answered, beside the run or bundle and the photos."""

    adapter: Annotated[str | None, ALWAYS] = None
    """The adapter that answers, in a bundle with adapters."""
    out: Annotated[Path | None, ALWAYS] = None
    """A file for the answers: .csv, .jsonl or .parquet."""
    top: Annotated[int, ALWAYS] = 1
    """Labels for each photo, the most probable first."""
