"""What bundle.json says of a network that was made smaller: the recipe, and what its gates measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from visionft.bundle.schema_nodes import Count, Record


class FlipsRecord(Record):
    """Photos that the trained model or the shrunken one alone answers rightly."""

    given: Literal["each photo alone", "in batches of 32"]
    """How the photos were given: a dynamic recipe also answers by the photos beside one."""
    lost: Count
    """Photos that went from right to wrong."""
    gained: Count
    """Photos that went from wrong to right."""
    n: Annotated[int, Field(ge=1)]
    """Validation photos compared."""
    loss: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Accuracy lost."""
    upper: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Its one-sided 95 % upper bound (Tango's score bound for paired shares)."""


class SpeedRecord(Record):
    """Times in turn with fp32 on the machine of the export."""

    part: Literal["network", "whole"]
    """The network half alone, which the gate judges, or the whole graph on one photo."""
    batch: Annotated[int, Field(ge=1)]
    """Photos in a batch."""
    ratio: Annotated[float, Field(gt=0.0)]
    """Median over rounds of fp32's time by the shrunken model's; above 1, it is faster."""
    low: float
    """Lower end of the median's 95 % interval."""
    high: float
    """Its upper end."""
    fp32_ms: Annotated[float, Field(gt=0.0)]
    """Median milliseconds in fp32."""
    ms: Annotated[float, Field(gt=0.0)]
    """Median milliseconds of the shrunken model."""
    rounds: Annotated[int, Field(ge=1)]
    """Rounds, each of both."""


class MachineRecord(Record):
    """Where speed was measured."""

    processor: str
    """Its name."""
    cores: Annotated[int, Field(ge=1)]
    """Cores that could be used."""
    onnxruntime: str
    """Version of onnxruntime."""
    saturates: bool
    """Whether sums of int8 products can saturate there: x86 without VNNI."""


class QuantizationRecord(Record):
    """How the network half was made smaller, and the gates that it passed."""

    recipe: str
    """In words."""
    left_in_float: tuple[str, ...]
    """Nodes that were left in float32 because they do the most harm."""
    flips: tuple[FlipsRecord, ...]
    """Beside the trained model on validation photos."""
    max_loss: Annotated[float, Field(gt=0.0)]
    """Points of top-1 under which the upper bound had to be."""
    speeds: tuple[SpeedRecord, ...]
    """Beside fp32."""
    bytes_fp32: Annotated[int, Field(gt=0)]
    """Size of the file in fp32."""
    machine: MachineRecord
    """The machine of the export, on which both were timed."""
    allowed: tuple[Literal["slower"], ...] = ()
    """Gates that it failed and was allowed to fail."""
    refitted: bool
    """Whether temperature, known score and threshold were fitted anew, to this model's own answers."""
