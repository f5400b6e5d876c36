"""A bundle made by hand, without torch: the classes are told apart by the mean colour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.reading import digest_of
from visionft.bundle.schema import BundleRecord, GoldenRecord, ModelRecord, WeightsRecord, tensors
from visionft.classes import Classes
from visionft.preprocess import Preprocess

CLASSES = Classes.of(["blue", "green", "red/Äpfel"])
TYPES = {"uint8": 2, "int64": 7, "float32": 1, "bool": 9, "string": 8}


def colour_model(classes: Classes = CLASSES, slow: int = 0) -> onnx.ModelProto:
    """Return a graph with the tensors of the table; the logits are the mean blue, green and red, over 16.

    Its halves meet at 8 pixels a side. With `slow`, the network half turns round and round, `slow` times a level of the
    brightest mean.
    """
    node = helper.make_node
    nodes = [
        node("Cast", [n.IMAGE], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["upright"], perm=[0, 3, 1, 2]),
        node("Resize", ["upright", "", "", "size"], [n.PIXELS], mode="nearest", axes=[2, 3]),
        node("ReduceMean", [n.PIXELS, "sides"], ["mean" if not slow else "early"], keepdims=0),
        *(_turning(slow) if slow else []),
        node("MatMul", ["mean", "weight"], [n.LOGITS]),
        node("Softmax", [n.LOGITS], [n.PROBABILITIES], axis=1),
        node("ArgMax", [n.LOGITS], [n.CLASS_INDEX], axis=1, keepdims=0),
        node("ReduceMax", [n.PROBABILITIES, "one"], [n.PROBABILITY], keepdims=0),
        node("Gather", ["names", n.CLASS_INDEX], [n.LABEL]),
        node("ReduceMax", [n.LOGITS, "one"], [n.KNOWN_SCORE], keepdims=0),
        node("Less", [n.KNOWN_SCORE, "threshold"], [n.UNKNOWN]),
        node("LpNormalization", ["mean"], [n.EMBEDDING], axis=1),
    ]
    constants = {
        "size": np.array([8, 8]),
        "sides": np.array([2, 3]),
        "one": np.array([1]),
        "weight": np.eye(3, dtype=np.float32)[::-1] / 16,
        "threshold": np.float32(-np.inf),
        "names": np.array(classes.names, dtype=object),
    }
    table = tensors(len(classes), 3)
    values = {row.name: helper.make_tensor_value_info(row.name, TYPES[row.dtype], row.shape) for row in table}
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    outputs = [values[name] for name in n.OUTPUTS]
    joint = helper.make_tensor_value_info(n.PIXELS, TensorProto.FLOAT, ["N", 3, 8, 8])
    graph = helper.make_graph(nodes, "colours", [values[n.IMAGE]], outputs, initializers, value_info=[joint])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    inside = {n.META_CLASSES: json.dumps(classes.names), n.META_CLASSES_HASH: classes.hash}
    helper.set_model_props(model, inside)
    return model


def _turning(slow: int) -> list[onnx.NodeProto]:
    """Return nodes that carry `early` to `mean` unchanged, through a loop of `slow` turns a level."""
    node, value, constant = helper.make_node, helper.make_tensor_value_info, numpy_helper.from_array
    same = value("same", TensorProto.BOOL, [])
    body = helper.make_graph(
        [node("Identity", ["same"], ["go_on"]), node("Identity", ["held"], ["kept"])],
        "turn",
        [value("turn", TensorProto.INT64, []), same, value("held", TensorProto.FLOAT, ["N", 3])],
        [value("go_on", TensorProto.BOOL, []), value("kept", TensorProto.FLOAT, ["N", 3])],
    )
    return [
        node("ReduceMax", ["early"], ["brightest"], keepdims=0),
        node("Constant", [], ["slow"], value=constant(np.float32(slow))),
        node("Mul", ["brightest", "slow"], ["float_turns"]),
        node("Cast", ["float_turns"], ["turns"], to=TensorProto.INT64),
        node("Loop", ["turns", "", "early"], ["mean"], body=body),
    ]


def make_bundle(folder: Path, slow: int = 0, **changes: Any) -> Path:
    """Write a bundle; `slow` as in `colour_model`, and `changes` replace values of bundle.json."""
    folder.mkdir()
    onnx.save(colour_model(slow=slow), folder / n.MODEL_FILE)
    preprocess = Preprocess((8, 8), "shortest", 8, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    file = folder / n.MODEL_FILE
    record = BundleRecord(
        visionft="0.1.0",
        created="2026-11-22T12:00:00+00:00",
        classes=CLASSES.names,
        classes_hash=CLASSES.hash,
        preprocess=preprocess.to_json(),
        backbone="colours",
        weights=WeightsRecord(kind="none", licence="none", origin="none"),
        model=ModelRecord(bytes=file.stat().st_size, sha256=digest_of(file), opset=20, ir_version=10),
        tensors=tensors(3, 3),
        agreement=None,
        golden=GoldenRecord(kind="none", n=0),
    )
    content = record.model_dump(mode="json") | changes
    (folder / n.RECORD_FILE).write_text(json.dumps(content), encoding="utf-8")
    return folder
