"""From the torch halves to one ONNX model: exported apart, joined at `pixels`, answers appended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import onnx
import torch
from onnx import ModelProto, TensorProto, compose, helper
from onnx.utils import Extractor
from torch import nn

from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.bundle.answers import tensors_of
from visionft.bundle.schema import TensorRecord
from visionft.errors import BackboneError
from visionft.exporting.onnx_size import require_room, require_small
from visionft.exporting.postprocess_graph import append_answers
from visionft.exporting.preprocess_graph import preprocess_part
from visionft.exporting.quiet_exporter import quiet, strip_traces
from visionft.exporting.torch_graph import NetworkHalf
from visionft.metrics import Postprocess
from visionft.preprocess import Preprocess
from visionft.tasks.registry import DEFAULT

Append = Callable[[ModelProto, Sequence[str] | None, Postprocess], None]
"""Puts a task's outputs behind logits and embedding, in place."""
OPSET = 20
"""The first with Gelu. onnxruntime runs it since 1.17 (January 2024)."""


def build(
    network: Network,
    preprocess: Preprocess,
    classes: Sequence[str],
    answering: Postprocess | None = None,
    opset: int = OPSET,
    task: str = DEFAULT,
    append: Append = append_answers,
) -> ModelProto:
    """Return the whole graph, `image` to the table of answers.

    Args:
        network: fp32, on CPU; put into eval mode here.
        preprocess: the evaluation transform.
        classes: (C,) names in the order of the network's logits.
        answering: from logits and embedding to answers; none: temperature 1, the largest logit, no threshold.
        opset: version of ai.onnx to write.
        task: what is answered.
        append: puts the task's outputs behind logits and embedding.

    Raises:
        BackboneError: the network cannot be exported, or is too large for one file.
    """
    require_small(network)
    network.eval()
    back = network_part(network, preprocess.size, opset)
    table = tensors_of(task, classes, _last_size(back, n.EMBEDDING))
    model = assemble(back, preprocess, classes, answering or Postprocess.plain(), table, append=append)
    onnx.checker.check_model(model)
    return model


def assemble(
    back: ModelProto,
    preprocess: Preprocess,
    classes: Sequence[str] | None,
    answering: Postprocess,
    table: Sequence[TensorRecord],
    keep: Collection[str] = (),
    append: Append = append_answers,
) -> ModelProto:
    """Put the preprocess half before an exported network half and the answers behind it.

    Args:
        back: `pixels` to `logits` and `embedding`.
        preprocess: the evaluation transform.
        classes: names of the label; none: there is no label.
        answering: from logits and embedding to answers.
        table: inputs and outputs to declare.
        keep: further inputs of the network half, whose names stay.
        append: puts the outputs behind logits and embedding.
    """
    model = _join(preprocess_part(preprocess, opset_of(back)), back, keep)
    append(model, classes, answering)
    _declare(model, table, preprocess.size)
    # The exporter stamps its own, and runtimes refuse files of a format that is younger than they are.
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    return model


def halves(model: ModelProto) -> tuple[ModelProto, ModelProto]:
    """Cut at `pixels`: the preprocess half (`image` to `pixels`) and the network half (`pixels` to `logits`)."""
    extractor = Extractor(model)
    return extractor.extract_model([n.IMAGE], [n.PIXELS]), extractor.extract_model([n.PIXELS], [n.LOGITS])


def opset_of(model: ModelProto) -> int:
    """Return the version of ai.onnx that the model declares."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def set_metadata(model: ModelProto, metadata: Mapping[str, str]) -> None:
    """Write metadata_props and the producer."""
    helper.set_model_props(model, dict(metadata))
    model.producer_name, model.producer_version = "visionft", metadata[n.META_VERSION]


def network_part(network: Network, size: tuple[int, int], opset: int = OPSET) -> ModelProto:
    """Export the network half alone: `pixels` (N, 3, h, w) to `logits` (N, C) and `embedding` (N, D).

    Raises:
        BackboneError: the network cannot be exported.
    """
    shapes = {0: torch.export.Dim("N")}
    return half_as_onnx(network, NetworkHalf(network), (torch.zeros(2, 3, *size),), (shapes,), [n.PIXELS], opset)


def half_as_onnx(
    network: Network,
    half: nn.Module,
    examples: tuple[Any, ...],
    shapes: tuple[Any, ...],
    given: list[str],
    opset: int = OPSET,
) -> ModelProto:
    """Export a module over the network that answers with `logits` and `embedding`.

    Args:
        network: what `half` runs.
        half: takes `examples`.
        examples: arguments, of tensors and lists of them.
        shapes: which sizes of them are dynamic, in torch's form.
        given: names of the tensors among the arguments, flattened.
        opset: version of ai.onnx to write.

    Raises:
        BackboneError: the network cannot be exported, or is too large for one file.
    """
    found = _half_as_onnx(network, half, examples, shapes, given, opset)
    require_room(
        network.name, found.ByteSize()
    )  # an exporter may keep a weight twice, and what follows needs its bytes
    return found


def _half_as_onnx(
    network: Network,
    half: nn.Module,
    examples: tuple[Any, ...],
    shapes: tuple[Any, ...],
    given: list[str],
    opset: int,
) -> ModelProto:
    wanted = [n.LOGITS, n.EMBEDDING]
    try:
        return as_onnx(half, examples, shapes, given, wanted, opset)
    except torch.onnx.OnnxExporterError:
        pass  # the exporter knows fused attention over (B, heads, N, D) alone; others (samvit) are tried written out
    try:
        with _attention_written_out(network):
            return as_onnx(half, examples, shapes, given, wanted, opset)
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise BackboneError(f"{network.name} cannot be exported to ONNX ({reason}): choose another backbone") from error


@contextlib.contextmanager
def _attention_written_out(network: Network) -> Iterator[None]:
    """Let timm's attention multiply its matrices itself: the same sums, in operations that every exporter knows."""
    fused = [module for module in network.modules() if getattr(module, "fused_attn", False) is True]
    for module in fused:
        module.fused_attn = False  # type: ignore[assignment]  # a plain bool, where nn.Module types say tensor
    try:
        yield
    finally:
        for module in fused:
            module.fused_attn = True  # type: ignore[assignment]


def as_onnx(
    module: nn.Module,
    examples: tuple[Any, ...],
    shapes: tuple[Any, ...],
    given: list[str],
    wanted: list[str],
    opset: int = OPSET,
) -> ModelProto:
    """Export a module quietly, without traces of this machine; see `half_as_onnx` for the arguments."""
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            module.eval(), examples, dynamo=True, input_names=given, output_names=wanted,
            dynamic_shapes=shapes, external_data=False, opset_version=opset, verbose=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    strip_traces(model)
    return model


def _join(front: ModelProto, back: ModelProto, keep: Collection[str]) -> ModelProto:
    assert opset_of(front) == opset_of(back), "both halves are exported at one opset"
    front.ir_version = back.ir_version  # merging asks for one
    kept = {n.IMAGE, n.PIXELS, n.LOGITS, n.EMBEDDING, *keep}
    parts = [_prefixed(front, "preprocess/", kept), _prefixed(back, "network/", kept)]
    return compose.merge_models(parts[0], parts[1], io_map=[(n.PIXELS, n.PIXELS)], name="visionft")


def _prefixed(model: ModelProto, prefix: str, keep: set[str]) -> ModelProto:
    """Prefix every name inside, so that no two of the halves meet; inputs and outputs keep theirs."""

    def named(name: str) -> str:
        return name if not name or name in keep else prefix + name

    for node in model.graph.node:
        node.name = prefix + node.name
        node.input[:] = [named(name) for name in node.input]
        node.output[:] = [named(name) for name in node.output]
    for value in (*model.graph.initializer, *model.graph.value_info):
        value.name = named(value.name)
    return model


def _declare(model: ModelProto, table: Sequence[TensorRecord], size: tuple[int, int]) -> None:
    """Declare inputs and outputs by the table and `pixels` beside them, in place of the exporter's own shape names."""
    types = {
        "uint8": TensorProto.UINT8,
        "int64": TensorProto.INT64,
        "float32": TensorProto.FLOAT,
        "bool": TensorProto.BOOL,
        "string": TensorProto.STRING,
    }
    values = {row.name: helper.make_tensor_value_info(row.name, types[row.dtype], row.shape) for row in table}
    joint = helper.make_tensor_value_info(n.PIXELS, TensorProto.FLOAT, ["N", 3, *size])
    inner = [value for value in model.graph.output if value.name not in values]  # the halves are cut there
    kept = [value for value in (*model.graph.value_info, *inner) if value.name not in {*values, n.PIXELS}]
    for field, content in (
        ("input", [values[n.IMAGE]]),
        ("output", [values[row.name] for row in table if row.direction == "out"]),
        ("value_info", [*kept, joint]),
    ):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(content)


def _last_size(model: ModelProto, output: str) -> int:
    value = next(value for value in model.graph.output if value.name == output)
    return int(value.type.tensor_type.shape.dim[-1].dim_value)
