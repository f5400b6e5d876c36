"""The known recipes: from a core in fp32 to one in fp16 or int8."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, shape_inference
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_dynamic

from visionft.bundle.names import PIXELS
from visionft.compat.onnxruntime_private import (
    QDQQuantizer,
    QDQRegistry,
    QLinearOpsRegistry,
    convert_float_to_float16,
    create_calibrator,
)
from visionft.machine.process_state import without_logs

LEAST_SHARE = 0.1
"""Share of the weights from which on an operation is worth a recipe: less makes a file hardly smaller."""
BATCH = 8
"""Photos in one step of the calibration."""
MATMULS = ("MatMul", "Gemm")


@dataclass(frozen=True)
class Recipe:
    """One way to shrink a core.

    Attributes:
        name: in words.
        nodes: names of the nodes with weights that it makes smaller, in the graph's order.
        apply: returns the shrunken core, the named nodes left in float.
    """

    name: str
    nodes: tuple[str, ...]
    apply: Callable[[Sequence[str]], ModelProto]


def half_precision(core: ModelProto) -> ModelProto:
    """Return the core with weights and arithmetic in float16, inputs and outputs in float32."""
    copied = ModelProto()
    copied.CopyFrom(core)
    with _quiet():
        found: ModelProto = convert_float_to_float16(copied, keep_io_types=True)
    return found


def recipes(core: ModelProto, pixels: NDArray[np.float32]) -> list[Recipe]:
    """Return the int8 recipes that suit the kind of network, by where its weights are.

    Convolutions: static, since onnxruntime's dynamic ones are many times slower than fp32. Matrix products: dynamic,
    since a transformer's activations have outliers that no fixed range suits.

    Args:
        core: in fp32.
        pixels: (n, 3, h, w) of training photos, which give the ranges of the static recipe.
    """
    core = shape_inference.infer_shapes(core)
    fed = bool(_fed(core))  # ranges depend on what the caller gives, so there are no static ones
    shares = {kind: _share(core, kind) for kind in (("Conv",), MATMULS)}
    found = []
    if shares[("Conv",)] >= LEAST_SHARE and not fed:
        found.append(_static(core, pixels))
    if shares[MATMULS] >= LEAST_SHARE:
        found.append(Recipe("dynamic int8 of matrix products", _weighted(core, MATMULS), _dynamic(core)))
    return found


def _share(core: ModelProto, kind: Sequence[str]) -> float:
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in core.graph.initializer}
    held = sum(max((sizes.get(name, 0) for name in node.input), default=0) for node in _of(core, kind))
    return held / max(1, sum(sizes.values()))


def _of(core: ModelProto, kind: Sequence[str]) -> Iterator[onnx.NodeProto]:
    return (node for node in core.graph.node if node.op_type in kind)


def _fed(core: ModelProto) -> set[str]:
    """Return the constants that a caller may give instead: factors and head of an adapter."""
    return {tensor.name for tensor in core.graph.initializer} & {value.name for value in core.graph.input}


def _weighted(core: ModelProto, kind: Sequence[str]) -> tuple[str, ...]:
    weights, fed = {tensor.name for tensor in core.graph.initializer}, _fed(core)
    return tuple(node.name for node in _of(core, kind) if weights & set(node.input) and not fed & set(node.input))


def _dynamic(core: ModelProto) -> Callable[[Sequence[str]], ModelProto]:
    fed = _fed(core)
    always = [node.name for node in core.graph.node if fed & set(node.input)]

    def apply(left: Sequence[str]) -> ModelProto:
        copied = ModelProto()
        copied.CopyFrom(core)
        with tempfile.TemporaryDirectory() as folder, _quiet():
            file = Path(folder) / "core.onnx"
            quantize_dynamic(
                copied, file, op_types_to_quantize=list(MATMULS), per_channel=True, weight_type=QuantType.QInt8,
                nodes_to_exclude=[*left, *always],
            )  # fmt: skip
            return onnx.load(file)

    return apply


def _static(core: ModelProto, pixels: NDArray[np.float32]) -> Recipe:
    kinds = sorted({*QLinearOpsRegistry, *QDQRegistry})
    ranges = _ranges(core, pixels, kinds)
    excluded_always = [node.name for node in core.graph.node if not node.name]
    assert not excluded_always, "nodes are told apart by their names"

    def apply(left: Sequence[str]) -> ModelProto:
        copied = ModelProto()
        copied.CopyFrom(core)
        with _quiet():
            quantizer = QDQQuantizer(
                copied, True, False, QuantType.QInt8, QuantType.QUInt8, ranges, [], list(left), kinds, {}
            )  # per channel, full range
            quantizer.quantize_model()
        found: ModelProto = quantizer.model.model
        return found

    name = f"static int8, weights per channel, ranges from {len(pixels)} training photos"
    return Recipe(name, _weighted(core, ("Conv", *MATMULS)), apply)


def _ranges(core: ModelProto, pixels: NDArray[np.float32], kinds: list[str]) -> Any:
    with tempfile.TemporaryDirectory() as folder, _quiet():
        file = Path(folder) / "core.onnx"
        onnx.save(core, file)
        calibrator = create_calibrator(
            file,
            kinds,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
            # The mean over batches of their extremes: one odd photo does not widen the range of all.
            extra_options={"moving_average": True},
        )
        calibrator.collect_data(_Batches(pixels))
        return calibrator.compute_data()


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self._batches = iter(np.split(pixels, range(BATCH, len(pixels), BATCH)))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {PIXELS: batch}


def _quiet() -> AbstractContextManager[None]:
    """Keep the quantisers' advice to run their own optimiser first, which the exporter has done, from the user."""
    return without_logs(logging.WARNING)
