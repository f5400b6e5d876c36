from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from tests.exporting.fakes import NAMES, FakeRun, livened, rendered
from visionft import backbones
from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.bundle import size_limits
from visionft.bundle.schema import tensors
from visionft.classes import Classes
from visionft.errors import BackboneError
from visionft.exporting import onnx_model, onnx_size
from visionft.exporting.onnx_model import build, halves, opset_of
from visionft.preprocess import Preprocess
from visionft.serving.onnx_session import open_model
from visionft.settings import PreprocessSettings

ONNX_TYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}


@pytest.fixture(scope="module")
def model(bundle: Path) -> onnx.ModelProto:
    return onnx.load(bundle / n.MODEL_FILE)


def test_inputs_and_outputs_are_exactly_the_table(bundle: Path, run: FakeRun) -> None:
    session = open_model(bundle / n.MODEL_FILE)
    found = [
        (value.name, direction, ONNX_TYPES[value.type], tuple(value.shape))
        for direction, values in (("in", session.get_inputs()), ("out", session.get_outputs()))
        for value in values
    ]

    table = tensors(len(NAMES), run.trained.features)
    assert found == [(row.name, row.direction, row.dtype, row.shape) for row in table]


def test_answers_are_consistent_with_the_network(bundle: Path, run: FakeRun) -> None:
    images = [rendered(seed, 70, 90) for seed in range(24)]
    outputs = open_model(bundle / n.MODEL_FILE).run(n.OUTPUTS, {n.IMAGE: np.stack(images)})
    answer = dict(zip(n.OUTPUTS, outputs, strict=True))
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([run.preprocess.tensor(image) for image in images]))
        logits, features = run.trained(pixels), run.trained.embed(pixels)

    np.testing.assert_allclose(answer[n.LOGITS], logits.numpy(), atol=5e-3)
    np.testing.assert_allclose(answer[n.PROBABILITIES], torch.softmax(logits / 0.7, 1).numpy(), atol=1e-3)
    unit = torch.nn.functional.normalize(features, dim=1).numpy()
    np.testing.assert_allclose(answer[n.EMBEDDING], unit, atol=1e-3)
    assert len(set(answer[n.CLASS_INDEX])) > 1
    assert [run.classes[i] for i in answer[n.CLASS_INDEX]] == list(answer[n.LABEL])
    np.testing.assert_array_equal(answer[n.PROBABILITY], answer[n.PROBABILITIES].max(1))
    answering = run.answering(0.8)
    scores = answering.known(logits.numpy(), unit)
    np.testing.assert_allclose(answer[n.KNOWN_SCORE], scores, atol=1e-2)
    assert scores.std() > 0.1
    np.testing.assert_array_equal(answer[n.UNKNOWN], answer[n.KNOWN_SCORE] < np.float32(answering.threshold))


def test_both_halves_can_be_extracted_from_the_file(bundle: Path, tmp_path: Path) -> None:
    whole, front, back = bundle / n.MODEL_FILE, tmp_path / "front.onnx", tmp_path / "back.onnx"
    onnx.utils.extract_model(whole, front, [n.IMAGE], [n.PIXELS])
    onnx.utils.extract_model(whole, back, [n.PIXELS], [n.LABEL, n.PROBABILITIES])

    photos = [rendered(3, 80, 40), rendered(4, 33, 99), rendered(5, 64, 64)]
    first, second = open_model(front), open_model(back)
    pixels = np.concatenate([first.run([n.PIXELS], {n.IMAGE: photo[None]})[0] for photo in photos])
    labels, probabilities = second.run([n.LABEL, n.PROBABILITIES], {n.PIXELS: pixels})

    assert pixels.shape == (3, 3, 64, 64)
    assert pixels.dtype == np.float32
    session = open_model(whole)
    for i, photo in enumerate(photos):
        label, truth = session.run([n.LABEL, n.PROBABILITIES], {n.IMAGE: photo[None]})
        assert label[0] == labels[i]
        np.testing.assert_allclose(probabilities[i], truth[0], atol=1e-5)


def test_the_halves_share_no_node_and_leave_none_out(model: onnx.ModelProto) -> None:
    front, back = halves(model)
    names = [{node.name for node in part.graph.node} for part in (front, back)]

    assert not names[0] & names[1]
    assert all(name.startswith("preprocess/") for name in names[0])
    assert all(name.startswith("network/") for name in names[1])
    assert len(names[0]) > 20


def test_metadata_is_enough_to_serve_without_bundle_json(bundle: Path, run: FakeRun) -> None:
    inside = ort.InferenceSession(bundle / n.MODEL_FILE).get_modelmeta().custom_metadata_map

    assert json.loads(inside[n.META_CLASSES]) == list(run.classes.names)
    assert inside[n.META_CLASSES_HASH] == run.classes.hash
    assert Preprocess.from_json(json.loads(inside[n.META_PREPROCESS])) == run.preprocess
    assert inside[n.META_BACKBONE] == "test_efficientnet"
    assert inside[n.META_LICENCE] == "apache-2.0"
    assert inside[n.META_FINGERPRINT] == run.manifest().fingerprint
    assert (inside[n.META_SCHEMA], inside[n.META_VERSION]) == ("1", n.installed_version())


def test_no_source_line_or_path_of_this_machine_is_left_in_the_file(bundle: Path) -> None:
    content = (bundle / n.MODEL_FILE).read_bytes()

    for trace in (b".py", b"stack_trace", b"site-packages", str(Path.home()).encode() + b"/", str(Path.cwd()).encode()):
        assert trace not in content


@pytest.mark.parametrize(
    "backbone",
    ["test_vit", *(pytest.param(name, marks=pytest.mark.slow) for name in ("test_resnet", "test_convnext"))],
)
def test_backbones_of_other_families_answer_the_same(backbone: str) -> None:
    torch.manual_seed(0)  # an unlucky draw answers every picture alike
    network = livened(backbones.create(backbone, "none", len(NAMES), size=64))
    preprocess = backbones.preprocess(network, PreprocessSettings())
    model = build(network, preprocess, Classes.of(NAMES))
    images = np.stack([rendered(seed, 70, 90) for seed in range(3)])

    (probabilities,) = open_model(model.SerializeToString()).run([n.PROBABILITIES], {n.IMAGE: images})

    with torch.inference_mode():
        logits = network(torch.from_numpy(np.stack([preprocess.tensor(image) for image in images])))
    np.testing.assert_allclose(probabilities, torch.softmax(logits, 1).numpy(), atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 100 * 1e-5
    assert opset_of(model) == 20


@pytest.mark.parametrize("head", ["mlp", "cosine"])
def test_other_heads_are_part_of_the_graph(head: backbones.HeadKind) -> None:
    torch.manual_seed(0)
    network = backbones.create("test_efficientnet", "none", 3, head, size=64)
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    preprocess = backbones.preprocess(network, PreprocessSettings())
    image = rendered(2, 60, 60)

    model = build(network, preprocess, Classes.of(NAMES))

    (logits,) = open_model(model.SerializeToString()).run([n.LOGITS], {n.IMAGE: image[None]})
    with torch.inference_mode():
        truth = network(torch.from_numpy(preprocess.tensor(image))[None]).numpy()
    np.testing.assert_allclose(logits, truth, atol=1e-3)


def test_what_stands_beside_the_weights_is_far_below_what_is_left_for_it(model: onnx.ModelProto) -> None:
    weights = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    assert model.ByteSize() - weights < size_limits.GRAPH_BYTES / 100


def test_a_graph_that_became_larger_than_its_weights_is_refused(run: FakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "LARGEST_MODEL", size_limits.GRAPH_BYTES + 1000)
    monkeypatch.setattr(onnx_size, "bytes_of", lambda _: 0)
    monkeypatch.setattr(onnx_model, "_join", None)  # nothing follows

    with pytest.raises(BackboneError, match=r"test_efficientnet has .* GB of weights, and an ONNX file has room for"):
        build(run.trained, run.preprocess, run.classes)


class Undecided(Network):
    def embed(self, x: torch.Tensor) -> torch.Tensor:
        features = super().embed(x)
        return features if float(features.sum()) > 0 else -features


def test_a_network_that_cannot_be_exported_is_one_sentence(run: FakeRun) -> None:
    network = livened(backbones.create("test_efficientnet", "none", 3, size=64))
    network.__class__ = Undecided

    with pytest.raises(BackboneError, match=r"cannot be exported to ONNX \(.*\): choose another backbone") as caught:
        build(network, run.preprocess, run.classes)
    assert "\n" not in str(caught.value)
