"""Cutting the part that shrinks out of a whole graph, and putting its shrunken form back in its place."""

from __future__ import annotations

from onnx import ModelProto, NodeProto, checker, helper, shape_inference
from onnx.utils import Extractor

from visionft.bundle.names import EMBEDDING, LOGITS, PIXELS

PREFIX = "shrunken/"


def core_of(model: ModelProto) -> ModelProto:
    """Return what shrinks: from `pixels` to `logits` and the features before their normalisation.

    The resize before it stays to the bit, and so does the division by the length behind it: an embedding has length 1
    whatever the arithmetic of the network.
    """
    extractor, inside = Extractor(shape_inference.infer_shapes(model)), _inside(model)
    taken = {name for i in inside for name in model.graph.node[i].input}
    optional = [name for name in _optional(model) if name in taken]
    core = extractor.extract_model([PIXELS, *optional], [LOGITS, *_features(model, inside)])
    # The extractor repeats the opset where the model came from two halves, and the quantisers want it once.
    versions = {entry.domain: entry.version for entry in core.opset_import}
    del core.opset_import[:]
    core.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in versions.items())
    return core


def spliced(model: ModelProto, core: ModelProto) -> ModelProto:
    """Return a whole graph with a shrunken core in place of its own.

    Args:
        model: the whole graph in fp32; left as it is.
        core: made of `core_of(model)`, with the same inputs and outputs.
    """
    inside, core = _inside(model), _renamed(core)
    nodes = list(enumerate(model.graph.node))
    outside = [node for i, node in nodes if i not in inside]
    before = [node for i, node in nodes if i < min(inside)]
    used = {name for node in outside for name in node.input} | {*_optional(model)}
    gone = {name for i in inside for name in model.graph.node[i].output} - {out.name for out in core.graph.output}
    whole = ModelProto()
    whole.CopyFrom(model)
    for field, content in (
        ("node", [*before, *_sorted(core), *outside[len(before) :]]),
        ("initializer", [*(t for t in model.graph.initializer if t.name in used), *core.graph.initializer]),
        ("value_info", [value for value in model.graph.value_info if value.name not in gone]),
    ):
        whole.graph.ClearField(field)
        getattr(whole.graph, field).extend(content)
    known = {entry.domain for entry in whole.opset_import}
    whole.opset_import.extend(entry for entry in core.opset_import if entry.domain not in known)
    checker.check_model(whole)
    return whole


def _inside(model: ModelProto) -> set[int]:
    """Return the places of the nodes between `pixels` and `logits`."""
    return _above(model, LOGITS) - _above(model, PIXELS)


def _above(model: ModelProto, tensor: str) -> set[int]:
    """Return the places of the nodes that a tensor depends on."""
    wanted, found = {tensor}, set[int]()
    for i, node in reversed(list(enumerate(model.graph.node))):
        if wanted & set(node.output):
            found.add(i)
            wanted |= set(node.input)
    return found


def _features(model: ModelProto, inside: set[int]) -> list[str]:
    """Return the core's tensors, beside the logits, that nodes behind it take; or an embedding made inside."""
    nodes = list(enumerate(model.graph.node))
    taken = {name for i, node in nodes if i not in inside for name in node.input} | {EMBEDDING}
    return [name for i, node in nodes if i in inside for name in node.output if name in taken - {LOGITS}]


def _sorted(core: ModelProto) -> list[NodeProto]:
    """Return the nodes so that each follows those it depends on: converters append theirs at the end."""
    known = {"", *(value.name for value in (*core.graph.input, *core.graph.initializer))}
    waiting, ordered = list(core.graph.node), list[NodeProto]()
    while waiting:
        later = []
        for node in waiting:
            if known.issuperset(node.input):
                ordered.append(node)
                known.update(node.output)
            else:
                later.append(node)
        assert len(later) < len(waiting), "a graph has no circle"
        waiting = later
    return ordered


def _renamed(core: ModelProto) -> ModelProto:
    """Return a copy with every inner name prefixed: quantisers name theirs as they like."""
    copied = ModelProto()
    copied.CopyFrom(core)
    keep = {"", *(value.name for value in (*core.graph.input, *core.graph.output))}
    for node in copied.graph.node:
        node.name = PREFIX + node.name
        node.input[:] = [name if name in keep else PREFIX + name for name in node.input]
        node.output[:] = [name if name in keep else PREFIX + name for name in node.output]
    own = [tensor for tensor in copied.graph.initializer if tensor.name not in keep]
    for tensor in own:
        tensor.name = PREFIX + tensor.name
    kept = [*own]
    copied.graph.ClearField("initializer")
    copied.graph.initializer.extend(kept)
    return copied


def _optional(model: ModelProto) -> list[str]:
    """Return the inputs that have a default: what an adapter gives. They stay inputs of the whole graph."""
    defaults = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name in defaults]
