"""A base for adapters in int8: one recipe for all, every adapter through the gates by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onnx import ModelProto

from visionft.errors import BackboneError, PrecisionError
from visionft.exporting.adapters.adapter_files import Tensors, adapter_tensors, baked, optional_inputs
from visionft.exporting.adapters.lora_runs import LowRank
from visionft.exporting.quantization.core_graph import core_of, spliced
from visionft.exporting.quantization.quantize import (
    Candidate,
    Quantization,
    Wanted,
    passed,
    silent,
    speeds_of,
    training_pixels,
)
from visionft.exporting.quantization.recipe_search import search
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Progress


@dataclass(frozen=True, eq=False)
class SmallBase:
    """A shrunken base that passed with every adapter.

    Attributes:
        model: the base, its adapters' tensors still inputs.
        adapters: what was measured through each, by name.
    """

    model: ModelProto
    adapters: Mapping[str, Quantization]


def quantize_base(
    model: ModelProto, adapters: Mapping[str, LowRank], wanted: Wanted, on_progress: Progress | None
) -> SmallBase:
    """Shrink what the adapters share; their own factors and heads stay in float.

    The recipe is chosen through the first adapter, on its training photos; validation photos of every adapter judge it.

    Args:
        model: the base in fp32.
        adapters: by name.
        wanted: what it must be.
        on_progress: called with the stage, how many steps are done and how many there are.

    Raises:
        PrecisionError: a gate failed, through at least one adapter.
        DataError: the first run has too few training photos to choose a recipe on.
        BackboneError: no recipe suits the base.
    """
    truths = {name: _truth(adapter, wanted.accepted) for name, adapter in adapters.items()}
    tensors = {name: _tensors(model, adapter, truths[name]) for name, adapter in adapters.items()}
    core, first = core_of(model), next(iter(adapters))
    pixels = training_pixels(truths[first], adapters[first].run.manifest())
    try:
        trial = search(
            core, wanted.precision, pixels, on_progress or silent, lambda small: _with(small, tensors[first])
        )
    except BackboneError as error:
        raise BackboneError(
            "a base for adapters in int8 is one of matrix products, and this one's weights are in convolutions: give "
            "--precision fp32"
        ) from error
    whole = spliced(model, trial.core)
    speeds = speeds_of(_with(core, tensors[first]), _with(trial.core, tensors[first]), truths[first], on_progress)
    found = {}
    for name, adapter in adapters.items():
        own = tensors[name]
        candidate = Candidate(
            baked(model, own), baked(whole, own), _with(trial.core, own), trial, speeds,
            whole.ByteSize(), model.ByteSize(),
        )  # fmt: skip
        try:
            found[name] = passed(
                candidate, truths[name], adapter.run.manifest(), adapter.run.classes, wanted, on_progress
            )
        except PrecisionError as error:
            raise PrecisionError(f"adapter {name}: {error}") from error
    return SmallBase(whole, found)


def _truth(adapter: LowRank, accepted: float | None) -> Truth:
    run = adapter.run
    return Truth(run.network(), run.preprocess, run.answering(accepted))


def _tensors(model: ModelProto, adapter: LowRank, trained: Truth) -> Tensors:
    return adapter_tensors(adapter, optional_inputs(model), trained.answering)


def _with(core: ModelProto, tensors: Tensors) -> ModelProto:
    """Bake an adapter's tensors into a core, which takes some of them alone."""
    taken = optional_inputs(core)
    return baked(core, {name: value for name, value in tensors.items() if name in taken})
