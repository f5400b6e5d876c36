"""The settings of one export, whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from visionft.settings.applicability import ALWAYS, REDUCED
from visionft.settings.node import Settings, Word


class ExportSettings(Settings):
    """Everything that decides what a bundle is, beside the run and its place."""

    precision: Annotated[Literal["fp32", "fp16", "int8"], ALWAYS] = "fp32"
    """Arithmetic of the exported network; a smaller one is kept if it passes three gates: it loses little, and is
    faster and smaller."""
    max_loss: Annotated[float, Field(gt=0.0, le=100.0), REDUCED] = 0.5
    """Points of top-1 under which a smaller precision's loss must lie, with 95 % certainty."""
    allow: Annotated[Literal["slower"] | None, REDUCED] = None
    """`slower` keeps a smaller precision that is not faster on this machine."""
    golden: Annotated[Literal["photos", "none"], ALWAYS] = "photos"
    """Whether photos with their answers travel inside the bundle."""
    accept: Annotated[Annotated[float, Field(gt=0.0, lt=1.0)] | None, ALWAYS] = 0.95
    """Share of known photos that the threshold lets pass; photos below it are answered unknown; none: no photo is."""
    min_confidence: Annotated[Annotated[float, Field(gt=0.5, le=1.0)] | None, ALWAYS] = None
    """Probability from which a level of a taxonomy is answered; none: the one that was fitted to validation photos."""
    target: Annotated[Word | None, ALWAYS] = None
    """Another onnxruntime that will serve, as onnxruntime==1.17.3: the file is written for it, and tried under it in a
    temporary environment. Or openvino: the bundle also has the graph in OpenVINO's format, tried under it."""
    all: Annotated[bool, ALWAYS] = False
    """Compare on every validation photo instead of at most 2,000."""
