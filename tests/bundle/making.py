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


def colour_model(classes: Classes = CLASSES) -> onnx.ModelProto:
    """Return a graph with the tensors of the table; the logits are the mean blue, green and red, over 16."""
    node = helper.make_node
    nodes = [
        node("Cast", [n.IMAGE], ["floats"], to=TensorProto.FLOAT),
        node("ReduceMean", ["floats", "sides"], ["mean"], keepdims=0),
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
        "sides": np.array([1, 2]),
        "one": np.array([1]),
        "weight": np.eye(3, dtype=np.float32)[::-1] / 16,
        "threshold": np.float32(-np.inf),
        "names": np.array(classes.names, dtype=object),
    }
    table = tensors(len(classes), 3)
    values = {row.name: helper.make_tensor_value_info(row.name, TYPES[row.dtype], row.shape) for row in table}
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "colours", [values[n.IMAGE]], [values[name] for name in n.OUTPUTS], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    inside = {n.META_CLASSES: json.dumps(classes.names), n.META_CLASSES_HASH: classes.hash}
    helper.set_model_props(model, inside)
    return model


def make_bundle(folder: Path, **changes: Any) -> Path:
    """Write a bundle; `changes` replace values of bundle.json."""
    folder.mkdir()
    onnx.save(colour_model(), folder / n.MODEL_FILE)
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
