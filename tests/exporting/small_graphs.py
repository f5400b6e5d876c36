"""Whole graphs made by hand: a small network of convolutions, or of matrix products, from `image` to answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, checker, helper, numpy_helper

from visionft.bundle import names as n

SIDE, CLASSES = 16, 4
node = helper.make_node


def whole(kind: str, width: int = 32, outlier: float = 1.0) -> ModelProto:
    """Return a graph of `conv` or `matmul`: image, pixels, three layers, features, logits, embedding.

    Args:
        kind: of its layers.
        width: channels.
        outlier: what one channel before the second layer is magnified by, and divided by behind it.
    """
    rng = np.random.default_rng(0)
    layers, weights, features = (_conv if kind == "conv" else _matmul)(rng, width, outlier)
    weights |= {
        "head": _normal(rng, features, CLASSES),
        "bias": rng.normal(size=CLASSES),
        "one": np.array([1], np.int64),
    }
    nodes = [
        node("Cast", [n.IMAGE], ["floats"], "preprocess/cast", to=1),
        node("Transpose", ["floats"], ["turned"], "preprocess/turn", perm=[0, 3, 1, 2]),
        node("Div", ["turned", "levels"], [n.PIXELS], "preprocess/scale"),
        *layers,
        node("Gemm", ["features", "head", "bias"], [n.LOGITS], "network/head"),
        node("ReduceL2", ["features", "one"], ["length"], "network/length", keepdims=1),
        node("Div", ["features", "length"], [n.EMBEDDING], "network/unit"),
        node("ArgMax", [n.LOGITS], [n.CLASS_INDEX], "choose", axis=1, keepdims=0),
    ]
    weights["levels"] = np.array(100.0)
    tensors = [
        numpy_helper.from_array(value if value.dtype == np.int64 else value.astype(np.float32), name)
        for name, value in weights.items()
    ]
    outputs = [
        helper.make_tensor_value_info(n.LOGITS, 1, ["N", CLASSES]),
        helper.make_tensor_value_info(n.EMBEDDING, 1, ["N", features]),
        helper.make_tensor_value_info(n.CLASS_INDEX, 7, ["N"]),
    ]
    image = helper.make_tensor_value_info(n.IMAGE, 2, ["N", SIDE, SIDE, 3])
    graph = helper.make_graph(nodes, kind, [image], outputs, tensors)
    graph.value_info.append(helper.make_tensor_value_info(n.PIXELS, 1, ["N", 3, SIDE, SIDE]))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model, full_check=True)
    return model


def photos(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return (count, SIDE, SIDE, 3) of noise with a mean of its own for each photo."""
    rng = np.random.default_rng(seed)
    return (rng.random((count, 1, 1, 3)) * 200 + rng.random((count, SIDE, SIDE, 3)) * 55).astype(np.uint8)


def pixels(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (count, 3, SIDE, SIDE), what the graph makes of `photos`."""
    return np.ascontiguousarray(photos(count, seed).transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(100)


def _conv(rng: Any, width: int, outlier: float) -> tuple[list[NodeProto], dict[str, NDArray[Any]], int]:
    weights = {"w1": _normal(rng, width, 3, 3, 3)}
    weights |= {name: _normal(rng, width, width, 3, 3) for name in ("w2", "w3")}
    weights["w1"][0], weights["w2"][:, 0] = weights["w1"][0] * outlier, weights["w2"][:, 0] / outlier
    layers = []
    for i, given in enumerate([n.PIXELS, "a1", "a2"], start=1):
        layers.append(node("Conv", [given, f"w{i}"], [f"c{i}"], f"network/conv{i}", pads=[1, 1, 1, 1]))
        layers.append(node("Relu", [f"c{i}"], [f"a{i}"], f"network/relu{i}"))
    pooled = [
        node("GlobalAveragePool", ["a3"], ["pooled"], "network/pool"),
        node("Flatten", ["pooled"], ["features"], "network/flat"),
    ]
    return [*layers, *pooled], weights, width


def _matmul(rng: Any, width: int, outlier: float) -> tuple[list[NodeProto], dict[str, NDArray[Any]], int]:
    size = 3 * SIDE * SIDE
    weights = {"w1": _normal(rng, size, width), "w2": _normal(rng, width, width), "w3": _normal(rng, width, width)}
    weights["w1"][:, 0], weights["w2"][0] = weights["w1"][:, 0] * outlier, weights["w2"][0] / outlier
    layers = [node("Flatten", [n.PIXELS], ["a0"], "network/flat")]
    for i in (1, 2, 3):
        layers.append(node("MatMul", [f"a{i - 1}", f"w{i}"], [f"c{i}"], f"network/matmul{i}"))
        layers.append(node("Relu", [f"c{i}"], [f"a{i}" if i < 3 else "features"], f"network/relu{i}"))
    return layers, weights, width


def _normal(rng: Any, *shape: int) -> NDArray[np.float64]:
    fan = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
    values: NDArray[np.float64] = rng.normal(size=shape) / np.sqrt(fan)
    return values
