from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from tests.bundle.making import colour_model, make_bundle
from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.errors import BundleError
from visionft.serving.engine import Engine
from visionft.serving.execution_providers import PROVIDERS, available, confirm
from visionft.serving.onnx_session import open_model
from visionft.serving.split_graph import halves


def test_each_half_has_its_own_ends_and_weights(tmp_path: Path) -> None:
    front, back = map(onnx.load_from_string, halves(make_bundle(tmp_path / "b") / n.MODEL_FILE)[:2])

    assert [value.name for value in (*front.graph.input, *front.graph.output)] == [n.IMAGE, n.PIXELS]
    assert [value.name for value in back.graph.input] == [n.PIXELS]
    assert [value.name for value in back.graph.output] == list(n.OUTPUTS)
    assert {constant.name for constant in front.graph.initializer} == {"size"}
    assert "weight" in {constant.name for constant in back.graph.initializer}
    for half in (front, back):
        onnx.checker.check_model(half)


def test_the_network_half_carries_the_metadata_and_says_whether_photos_mix(tmp_path: Path) -> None:
    found = halves(make_bundle(tmp_path / "b") / n.MODEL_FILE)
    props = {entry.key for entry in onnx.load_from_string(found.back).metadata_props}
    assert n.META_CLASSES_HASH in props
    assert not found.mixes


def test_an_engine_refuses_a_model_of_other_classes(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "b")
    model = onnx.load(folder / n.MODEL_FILE)
    helper.set_model_props(model, {n.META_CLASSES_HASH: "0" * 64})
    onnx.save(model, folder / n.MODEL_FILE)
    bundle = Bundle.open(make_bundle(tmp_path / "other"))
    (folder / n.MODEL_FILE).replace(bundle.model)  # after its digest was looked at
    with pytest.raises(BundleError, match=r"was exported with other classes than bundle\.json names: copy the bundle"):
        Engine(bundle)


def test_a_graph_without_the_joint_is_one_sentence(tmp_path: Path) -> None:
    model = colour_model()
    model.graph.ClearField("value_info")
    onnx.save(model, tmp_path / "model.onnx")

    with pytest.raises(BundleError, match=r"does not fall into two halves at the tensor pixels \(.*\): export the run"):
        halves(tmp_path / "model.onnx")


def test_a_provider_that_is_missing_is_told_and_replaced(tmp_path: Path) -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    told: list[str] = []

    engine = Engine(Bundle.open(make_bundle(tmp_path / "b")), "tensorrt", say=told.append)

    assert engine.provider == "cpu"
    assert told == [
        f"--provider tensorrt cannot be used (this onnxruntime {ort.__version__} was built without it), so the network "
        "runs on CPUExecutionProvider: pip install onnxruntime-gpu in its place, on a machine with its libraries and "
        "device"
    ]


def test_a_provider_that_does_not_load_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime lists what it was built with, and drops what it cannot load when a session is opened."""
    listed = list(PROVIDERS["cuda"])
    session = open_model(make_bundle(tmp_path / "b") / n.MODEL_FILE, 1)
    monkeypatch.setattr(ort, "get_available_providers", lambda: listed)
    told: list[str] = []

    assert available("cuda", told.append) == PROVIDERS["cuda"]
    assert confirm("cuda", session, told.append) == "cpu"
    assert told == [
        "--provider cuda cannot be used (its libraries or its device are missing), so the network runs on "
        "CPUExecutionProvider: pip install onnxruntime-gpu in its place, on a machine with its libraries and device"
    ]


def test_the_processor_needs_no_word() -> None:
    told: list[str] = []
    assert available("cpu", told.append) == ("CPUExecutionProvider",)
    assert told == []
