"""The settings of one prediction, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Count, Settings, Word


class PredictSettings(Settings):
    """Everything that decides how photos are answered, beside the run or bundle and the photos."""

    adapter: Annotated[str | None, ALWAYS] = None
    """The adapter that answers, in a bundle with adapters."""
    out: Annotated[Path | None, ALWAYS] = None
    """A file for the answers: .csv, .jsonl or .parquet; or a folder, where rows are written as they come."""
    resume: Annotated[bool, ALWAYS] = False
    """Go on with a folder of answers that was begun, by the same model, settings and photos."""
    engine: Annotated[Literal["local", "ray"], ALWAYS] = "local"
    """Where photos are answered: in this process, or by the workers of a Ray cluster, into a folder."""
    engine_address: Annotated[str | None, ALWAYS] = None
    """The Ray cluster, HOST:PORT or auto; none: that of $RAY_ADDRESS, else one is started on this machine."""
    engine_workers: Annotated[Count | None, ALWAYS] = None
    """Processes that answer, of one core each; none: one for each core of the cluster."""
    top: Annotated[int, ALWAYS] = 1
    """Labels for each photo, the most probable first."""
    min_confidence: Annotated[float | None, ALWAYS] = None
    """Probability from which a level of a taxonomy is answered, above 0.5 and up to 1; none: the one that the run or
    bundle has."""
    group_by: Annotated[Word | None, ALWAYS] = None
    """What a product is, for one answer a product: parent: the photo's folder; else a column of the manifest that is
    given for PHOTOS."""
