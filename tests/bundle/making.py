"""A bundle made by hand, without torch: the classes are told apart by the mean colour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.load import digest_of
from visionft.bundle.schema import (
    AdapterRecord,
    BundleRecord,
    GoldenRecord,
    ModelRecord,
    WeightsRecord,
    adapted_tensors,
    tensors,
)
from visionft.classes import Classes
from visionft.preprocess import Preprocess
from visionft.serving.lora_adapters import base_number

CLASSES = Classes.of(["blue", "green", "red/Äpfel"])
TYPES = {"uint8": 2, "int64": 7, "float32": 1, "bool": 9, "string": 8}


JOINT = helper.make_tensor_value_info(n.PIXELS, TensorProto.FLOAT, ["N", 3, 8, 8])


def colour_model(classes: Classes = CLASSES, slow: int = 0) -> onnx.ModelProto:
    """Return a graph with the tensors of the table; the logits are the mean blue, green and red, over 16.

    Its halves meet at 8 pixels a side. With `slow`, the network half turns round and round, `slow` times a level of the
    brightest mean.
    """
    node = helper.make_node
    nodes = [
        *_joint_nodes(),
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
    graph = helper.make_graph(nodes, "colours", [values[n.IMAGE]], outputs, initializers, value_info=[JOINT])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    inside = {n.META_CLASSES: json.dumps(classes.names), n.META_CLASSES_HASH: classes.hash}
    helper.set_model_props(model, inside)
    return model


def _joint_nodes() -> list[onnx.NodeProto]:
    """Return the preprocess half: photos of any size become 8 pixels a side."""
    node = helper.make_node
    return [
        node("Cast", [n.IMAGE], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["upright"], perm=[0, 3, 1, 2]),
        node("Resize", ["upright", "", "", "size"], [n.PIXELS], mode="nearest", axes=[2, 3]),
    ]


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


LAYER = "colours"
ADAPTER_SIZES: dict[str, tuple[int | str, ...]] = {
    n.factors(LAYER)[0]: (3, "r0"),
    n.factors(LAYER)[1]: ("r0", 3),
    n.HEAD_WEIGHT: (3, n.CLASS_COUNT),
    n.HEAD_BIAS: (n.CLASS_COUNT,),
    n.TEMPERATURE: (1,),
    n.THRESHOLD: (1,),
}


def adapted_model() -> onnx.ModelProto:
    """Return a base that adapters change: the mean colour, a low-rank update of it, and a head."""
    node, (a, b) = helper.make_node, n.factors(LAYER)
    nodes = [
        *_joint_nodes(),
        node("ReduceMean", [n.PIXELS, "sides"], ["mean"], keepdims=0),
        node("MatMul", ["mean", a], ["narrow"]),
        node("MatMul", ["narrow", b], ["update"]),
        node("Add", ["mean", "update"], ["features"]),
        node("MatMul", ["features", n.HEAD_WEIGHT], ["weighted"]),
        node("Add", ["weighted", n.HEAD_BIAS], [n.LOGITS]),
        node("Div", [n.LOGITS, n.TEMPERATURE], ["calibrated"]),
        node("Softmax", ["calibrated"], [n.PROBABILITIES], axis=1),
        node("ArgMax", [n.LOGITS], [n.CLASS_INDEX], axis=1, keepdims=0),
        node("ReduceMax", [n.PROBABILITIES, "one"], [n.PROBABILITY], keepdims=0),
        node("ReduceMax", [n.LOGITS, "one"], [n.KNOWN_SCORE], keepdims=0),
        node("Less", [n.KNOWN_SCORE, n.THRESHOLD], [n.UNKNOWN]),
        node("LpNormalization", ["features"], [n.EMBEDDING], axis=1),
    ]
    defaults = {
        name: np.full([size if isinstance(size, int) else int(size == n.CLASS_COUNT) for size in sizes], np.nan, "f4")
        for name, sizes in ADAPTER_SIZES.items()
    }
    constants = {"size": np.array([8, 8]), "sides": np.array([2, 3]), "one": np.array([1])} | defaults
    values = {
        row.name: helper.make_tensor_value_info(row.name, TYPES[row.dtype], row.shape) for row in adapted_tensors(3)
    }
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in ADAPTER_SIZES.items()]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    outputs = [values[name] for name in n.ADAPTED_OUTPUTS]
    inputs = [values[n.IMAGE], *given]
    graph = helper.make_graph(nodes, "colours", inputs, outputs, initializers, value_info=[JOINT])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {n.META_CLASSES: "[]", n.META_CLASSES_HASH: Classes(()).hash})
    return model


def colour_adapter(colours: dict[str, int], rank: int, factor: float) -> dict[str, NDArray[Any]]:
    """Return the tensors of an adapter whose classes are channels by name, and whose features are `factor` as large."""
    a, b = n.factors(LAYER)
    kept = np.eye(3, dtype=np.float32)[:, :rank]  # all of the update where the rank is 3
    weight = np.stack([np.eye(3, dtype=np.float32)[colours[name]] for name in sorted(colours)], axis=1) / 16
    return {
        a: kept,
        b: np.ascontiguousarray(kept.T) * np.float32(factor - 1),
        n.HEAD_WEIGHT: np.ascontiguousarray(weight),
        n.HEAD_BIAS: np.zeros(len(colours), np.float32),
        n.TEMPERATURE: np.ones(1, np.float32),
        n.THRESHOLD: np.full(1, -np.inf, np.float32),
    }


ADAPTERS: dict[str, dict[str, int]] = {"three": {"blue": 2, "green": 1, "red": 0}, "two": {"crimson": 0, "navy": 2}}


def make_adapted_bundle(folder: Path, **changes: Any) -> Path:
    """Write a bundle of two adapters, of ranks 3 and 1; `changes` replace values of bundle.json."""
    (folder / n.ADAPTER_FOLDER).mkdir(parents=True)
    file = folder / n.MODEL_FILE
    onnx.save(adapted_model(), file)
    preprocess = Preprocess((8, 8), "shortest", 8, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    for name, colours in ADAPTERS.items():
        write_adapter(folder, name, colour_adapter(colours, 3 if name == "three" else 1, 2.0))
    record = BundleRecord(
        schema_version=2,
        visionft="0.1.0",
        created="2026-11-24T12:00:00+00:00",
        classes=(),
        classes_hash=Classes(()).hash,
        preprocess=preprocess.to_json(),
        backbone="colours",
        weights=WeightsRecord(kind="none", licence="none", origin="none"),
        model=ModelRecord(bytes=file.stat().st_size, sha256=digest_of(file), opset=20, ir_version=10),
        tensors=adapted_tensors(3),
        agreement=None,
        golden=GoldenRecord(kind="none", n=0),
        adapters=tuple(adapter_record(folder, name) for name in ADAPTERS),
    )
    content = record.model_dump(mode="json") | changes
    (folder / n.RECORD_FILE).write_text(json.dumps(content), encoding="utf-8")
    return folder


def adapter_place(folder: Path, name: str) -> Path:
    return folder / n.ADAPTER_FOLDER / f"{name}{n.ADAPTER_SUFFIX}"


def adapter_record(folder: Path, name: str) -> AdapterRecord:
    classes, file = Classes.of(ADAPTERS[name]), adapter_place(folder, name)
    return AdapterRecord(
        name=name,
        file=file.relative_to(folder).as_posix(),
        bytes=file.stat().st_size,
        sha256=digest_of(file),
        rank=3 if name == "three" else 1,
        classes=classes.names,
        classes_hash=classes.hash,
        golden=GoldenRecord(kind="none", n=0),
    )


def write_adapter(folder: Path, name: str, tensors: dict[str, NDArray[Any]], base: str | None = None) -> None:
    """Write an adapter's file for the base in the folder, or for the one of another digest."""
    content = ort.AdapterFormat()
    content.set_adapter_version(1)
    content.set_model_version(base_number(base or digest_of(folder / n.MODEL_FILE)))
    content.set_parameters({key: ort.OrtValue.ortvalue_from_numpy(value) for key, value in tensors.items()})
    content.export_adapter(str(adapter_place(folder, name)))


def replace_adapter(folder: Path, name: str, tensors: dict[str, NDArray[Any]], base: str | None = None) -> Path:
    """Put other tensors into an adapter of a bundle, digest and all, as someone does who means it well."""
    write_adapter(folder, name, tensors, base)
    record = json.loads((folder / n.RECORD_FILE).read_text(encoding="utf-8"))
    record["adapters"] = [adapter_record(folder, each).model_dump(mode="json") for each in ADAPTERS]
    (folder / n.RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
    return folder
