"""A bundle's model reads no file but itself, however its graph asks for one, and no link leads out of the bundle."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.bundle.making import adapter_place, colour_model, make_adapted_bundle, make_bundle
from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.bundle.external_data import require_self_contained
from visionft.bundle.load import digest_of
from visionft.errors import BundleError
from visionft.files import digests
from visionft.files.safe_open import UnreadableError
from visionft.serving import Session
from visionft.serving import compare as compare_bundles
from visionft.serving import predict as predict_bundle
from visionft.serving.onnx_session import open_model

ELSEWHERE = r"model\.onnx is damaged \(it keeps tensors in another file, which a bundle's model must not\): copy the b"


def outside(location: str, name: str = "secret", length: int = 16) -> onnx.TensorProto:
    """Return a tensor of bytes that lie in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.UINT8, dims=[length], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def place_model(folder: Path, model: onnx.ModelProto) -> Path:
    """Put another model into a bundle, with its right digest, as somebody does who means harm."""
    (folder / n.MODEL_FILE).write_bytes(model.SerializeToString())
    record = json.loads((folder / n.RECORD_FILE).read_text(encoding="utf-8"))
    record["model"] |= {
        "bytes": (folder / n.MODEL_FILE).stat().st_size, "sha256": digest_of(folder / n.MODEL_FILE),
    }  # fmt: skip
    (folder / n.RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
    return folder


def reading(location: str) -> onnx.ModelProto:
    """Return a model whose embedding is the first bytes of a file."""
    model = colour_model()
    graph = model.graph
    graph.initializer.append(outside(location))
    (last,) = [node for node in graph.node if node.output[0] == n.EMBEDDING]
    last.output[0] = "unused"
    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axis"))
    graph.node.append(helper.make_node("Cast", ["secret"], ["floats_of_it"], to=TensorProto.FLOAT))
    graph.node.append(helper.make_node("Unsqueeze", ["floats_of_it", "axis"], [n.EMBEDDING]))
    return model


def test_the_attack_works_against_onnxruntime_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next tests would show nothing: a model given as bytes reads files below the working directory."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(b"root:x:0:0:root:")
    monkeypatch.chdir(tmp_path)
    session = ort.InferenceSession(reading("etc/passwd").SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run([n.EMBEDDING], {n.IMAGE: np.zeros((1, 8, 8, 3), np.uint8)})
    assert bytes(found[0].astype(np.uint8)) == b"root:x:0:0:root:"


DOORS: dict[str, Callable[[Path, Path], object]] = {
    "open": lambda bundle, photo: Bundle.open(bundle),
    "session": lambda bundle, photo: Session(bundle),
    "predict": lambda bundle, photo: predict_bundle(bundle, [photo]),
    "compare": lambda bundle, photo: compare_bundles(bundle, bundle, photo),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("location", ["etc/passwd", "/etc/passwd", "../../etc/passwd", "link", "model.onnx"])
def test_a_model_that_reads_other_files_is_refused_at_every_door(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, door: str, location: str
) -> None:
    folder = place_model(make_bundle(tmp_path / "b"), reading(location))
    (folder / "link").symlink_to("/etc/passwd")
    monkeypatch.chdir("/")
    with pytest.raises(BundleError, match=ELSEWHERE):
        DOORS[door](folder, shapes / "disc" / "00.jpg")


def sparse(tensor: onnx.TensorProto) -> onnx.SparseTensorProto:
    indices = numpy_helper.from_array(np.array([0], np.int64))
    return onnx.SparseTensorProto(values=tensor, indices=indices, dims=[16])


def node_with(**attribute: Any) -> onnx.NodeProto:
    node = helper.make_node("Constant", [], ["hidden"])
    node.attribute.append(onnx.AttributeProto(name="value", **attribute))
    return node


def in_graph(**parts: Any) -> onnx.GraphProto:
    return onnx.GraphProto(name="inner", **parts)


PLACES: dict[str, Callable[[onnx.ModelProto, onnx.TensorProto], object]] = {
    "initializer": lambda model, tensor: model.graph.initializer.append(tensor),
    "sparse values": lambda model, tensor: model.graph.sparse_initializer.append(sparse(tensor)),
    "attribute": lambda model, tensor: model.graph.node.append(node_with(t=tensor)),
    "attributes": lambda model, tensor: model.graph.node.append(node_with(tensors=[tensor])),
    "sparse attribute": lambda model, tensor: model.graph.node.append(node_with(sparse_tensor=sparse(tensor))),
    "sparse attributes": lambda model, tensor: model.graph.node.append(node_with(sparse_tensors=[sparse(tensor)])),
    "inner graph": lambda model, tensor: model.graph.node.append(node_with(g=in_graph(initializer=[tensor]))),
    "inner graphs": lambda model, tensor: model.graph.node.append(
        node_with(graphs=[in_graph(node=[node_with(g=in_graph(initializer=[tensor]))])])
    ),
    "function": lambda model, tensor: model.functions.append(onnx.FunctionProto(name="f", node=[node_with(t=tensor)])),
    "function's attribute": lambda model, tensor: model.functions.append(
        onnx.FunctionProto(name="f", attribute_proto=[onnx.AttributeProto(name="a", t=tensor)])
    ),
    "training": lambda model, tensor: model.training_info.append(
        onnx.TrainingInfoProto(algorithm=in_graph(initializer=[tensor]))
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_a_tensor_can_stand_it_is_found(tmp_path: Path, place: str) -> None:
    model = colour_model()
    PLACES[place](model, outside("etc/passwd"))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UnreadableError, match="it keeps tensors in another file"):
        require_self_contained(tmp_path / "model.onnx")


def test_either_sign_of_another_file_is_enough(tmp_path: Path) -> None:
    for drop in ("data_location", "external_data"):
        model, tensor = colour_model(), outside("etc/passwd")
        tensor.ClearField(drop)
        model.graph.initializer.append(tensor)
        (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(UnreadableError, match="it keeps tensors in another file"):
            require_self_contained(tmp_path / "model.onnx")


def test_a_graph_in_two_parts_is_walked_whole(tmp_path: Path) -> None:
    """Protobuf merges a message that comes twice, and two files laid end to end are one message."""
    second = onnx.ModelProto(graph=in_graph(initializer=[outside("etc/passwd")]))
    (tmp_path / "model.onnx").write_bytes(colour_model().SerializeToString() + second.SerializeToString())
    with pytest.raises(UnreadableError, match="it keeps tensors in another file"):
        require_self_contained(tmp_path / "model.onnx")


def test_real_models_pass(tmp_path: Path) -> None:
    Bundle.open(make_bundle(tmp_path / "plain", slow=3))  # a loop has a graph inside
    Bundle.open(make_adapted_bundle(tmp_path / "adapted"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"hello, this is text", "it is no ONNX file"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "it is no ONNX file"),
        (b"\x3a\x05\x00", "it is no ONNX file"),
        (b"\x3b\x00", "it is no ONNX file"),
        (b"\x38\x00", "it is no ONNX file"),
        (b"\x20\x00\x00\x00ORTM", "it is a file of onnxruntime's own format, not ONNX"),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(UnreadableError, match=f"^{words}$"):
        require_self_contained(tmp_path / "model.onnx")


def test_graphs_within_graphs_without_end_are_refused(tmp_path: Path) -> None:
    graph = in_graph()
    for _ in range(30):  # protobuf itself allows a hundred messages within each other, three a graph
        graph = in_graph(node=[node_with(g=graph)])
    (tmp_path / "model.onnx").write_bytes(onnx.ModelProto(graph=graph).SerializeToString())
    with pytest.raises(UnreadableError, match="its graphs lie too deep within each other"):
        require_self_contained(tmp_path / "model.onnx")


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 255))
def test_no_bytes_break_the_walk(tmp_path_factory: pytest.TempPathFactory, tail: bytes, at: int, value: int) -> None:
    content = bytearray(colour_model().SerializeToString())
    content[at % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "walked.onnx"
    for each in (bytes(content), tail):
        path.write_bytes(each)
        with suppress(UnreadableError):
            require_self_contained(path)


LINKED = [n.MODEL_FILE, n.RECORD_FILE, "digests.json", "adapters/three.onnx_adapter", "adapters"]


@pytest.mark.parametrize("name", LINKED)
def test_links_in_a_bundle_are_refused(tmp_path: Path, name: str) -> None:
    folder = make_adapted_bundle(tmp_path / "b")
    digests.seal(folder)
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert adapter_place(folder, "three").is_file()
    with pytest.raises(BundleError, match=rf"{name}.* is damaged \(it is a link\): copy the bundle again"):
        Bundle.open(folder)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b1")
    (tmp_path / "current").symlink_to("b1")
    Bundle.open(tmp_path / "current")


@pytest.mark.parametrize("name", [n.MODEL_FILE, n.RECORD_FILE])
@pytest.mark.parametrize(("kind", "words"), [("fifo", "a FIFO"), ("folder", "a folder"), ("zero", "a link")])
def test_files_of_another_kind_are_refused_at_once(tmp_path: Path, name: str, kind: str, words: str) -> None:
    file = make_bundle(tmp_path / "b") / name
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")
    with pytest.raises(BundleError, match=rf"{name} is damaged \(it is {words}\): copy the bundle again"):
        Bundle.open(tmp_path / "b")


def test_a_changed_figure_in_the_record_is_refused(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "b")
    digests.seal(folder)
    file = folder / n.RECORD_FILE
    file.write_text(file.read_text(encoding="utf-8").replace('"temperature": 1.0', '"temperature": 1.5'), "utf-8")
    with pytest.raises(BundleError, match=r"bundle\.json is damaged \(its digest is not the one in digests\.json\)"):
        Bundle.open(folder)


def test_onnxruntime_s_own_format_is_not_opened(tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    model = colour_model().SerializeToString()
    ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    written = tmp_path / "model.ort"
    assert ort.InferenceSession(written.read_bytes(), providers=["CPUExecutionProvider"])
    with pytest.raises(BundleError, match="cannot open the model"):
        open_model(written.read_bytes())
