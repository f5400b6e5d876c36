"""What an adapter gives for the optional inputs of its base, as arrays and as onnxruntime's file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from visionft.bundle import names as n
from visionft.exporting.adapters.lora_runs import LowRank
from visionft.exporting.postprocess_graph import scale_constants
from visionft.metrics import KnownScale, Postprocess
from visionft.serving.lora_adapters import base_number

ADAPTER_VERSION = 1
"""Of what an adapter's file holds."""

Sizes = tuple[int | str, ...]
"""Of an input; a word is a number that each adapter chooses, the same wherever the word is."""
Tensors = Mapping[str, NDArray[np.float32]]


def adapter_tensors(adapter: LowRank, inputs: Mapping[str, Sizes], answering: Postprocess) -> Tensors:
    """Return an adapter's value for every optional input of the base; layers that it does not update have rank 0.

    Args:
        adapter: a run's own weights.
        inputs: the base's, by name.
        answering: what was fitted to the run's photos.
    """
    updates = {
        name: value
        for layer, pair in adapter.factors.items()
        for name, value in zip(n.factors(layer), pair, strict=True)
    }
    own: dict[str, Any] = {
        n.HEAD_WEIGHT: adapter.weight,
        n.HEAD_BIAS: adapter.bias,
        n.TEMPERATURE: answering.temperature,
        n.THRESHOLD: -math.inf if answering.threshold is None else answering.threshold,
        **scale_constants(_with_means(answering.scale, adapter)),
    }
    none = {name: np.zeros([d if isinstance(d, int) else 0 for d in sizes]) for name, sizes in inputs.items()}
    everything = none | updates | own
    # onnxruntime's adapter files have no place for a bare number.
    return {name: np.ascontiguousarray(np.atleast_1d(everything[name]), np.float32) for name in inputs}


def optional_inputs(model: ModelProto) -> dict[str, Sizes]:
    """Return the inputs of a base that an adapter gives."""
    defaults = {value.name for value in model.graph.initializer}
    return {
        value.name: tuple(size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim)
        for value in model.graph.input
        if value.name in defaults
    }


def write_adapter_file(file: Path, tensors: Tensors, base_sha256: str) -> None:
    """Write onnxruntime's adapter file, bound to its base by the base's digest."""
    content = ort.AdapterFormat()
    content.set_adapter_version(ADAPTER_VERSION)
    content.set_model_version(base_number(base_sha256))
    content.set_parameters({name: ort.OrtValue.ortvalue_from_numpy(value) for name, value in tensors.items()})
    content.export_adapter(str(file))


def baked(model: ModelProto, tensors: Tensors) -> ModelProto:
    """Return a base with an adapter's tensors as its own constants: its one input is the image."""
    copy = ModelProto()
    copy.CopyFrom(model)
    replace(copy.graph.input, [value for value in copy.graph.input if value.name not in tensors])
    replace_constants(copy, tensors)
    return copy


def replace_constants(model: ModelProto, tensors: Tensors) -> None:
    """Put tensors in the place of a model's constants of these names, or beside them."""
    others = [value for value in model.graph.initializer if value.name not in tensors]
    given = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    replace(model.graph.initializer, [*others, *given])


def replace(field: Any, content: Sequence[Any]) -> None:
    """Replace the content of a repeated field of protobuf."""
    kept = list(content)
    del field[:]
    field.extend(kept)


def _with_means(scale: KnownScale, adapter: LowRank) -> KnownScale:
    """Return the scale with class means: the graph adds their part, which zeros leave out, to that of the logit."""
    if scale.means is not None:
        return scale
    features, classes = adapter.weight.shape
    return KnownScale(np.zeros((classes, features), np.float32), scale.logit, (0.0, 1.0))
