"""One file answers for all heads, like the run; a head that joins changes no bit of the others in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from PIL import Image

import visionft as vft
from tests.serving.server.processes import served
from tests.tasks.multihead.conftest import THREE
from visionft.bundle import Bundle
from visionft.errors import ParityError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Stages
from visionft.photos import read
from visionft.serving import Session
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess
from visionft.tasks.multihead.shipping import SHIPPING, near_tie

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"
OUTPUTS = ["labels", "class_indices", "label_probabilities", "probabilities", "logits", "embedding"]
HEADS = Heads(["a=x", "a=y", "b=u", "b=v", "b=w"])


def shown(run: vft.Run) -> Iterator[Photo]:
    manifest = run.manifest()
    yield from starmap(Photo, ((path, 0, read(manifest.root / path)) for path in manifest.rows("validation").paths))


def asked(bundle: Path, photo: Path) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == OUTPUTS
    return dict(zip(OUTPUTS, session.run(None, {"image": np.asarray(Image.open(photo))[None]}), strict=True))


def test_the_graph_answers_as_the_rule_does() -> None:
    logits = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32) * 4
    rule = HeadPostprocess.by(HEADS, {"a": 1.5, "b": 0.5})
    given = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["N", 5])
    told = [onnx.helper.make_empty_tensor_value_info(name) for name in OUTPUTS[:4]]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "end", [given], told), opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9
    )
    SHIPPING.append(model, HEADS.classes, rule)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, places, sure, probabilities = session.run(None, {"logits": logits})
    wanted, best = rule.probabilities(logits), rule.heads.best(logits)
    assert probabilities == pytest.approx(wanted, abs=1e-6)
    assert (places - HEADS.starts).tolist() == best.tolist()
    assert labels.tolist() == [[HEADS.own[h][at] for h, at in enumerate(row)] for row in best.tolist()]
    assert sure.tolist() == np.take_along_axis(probabilities, places, 1).tolist()


@pytest.mark.parametrize(("probabilities", "tie"), [((0.4, 0.2, 0.399), True), ((0.4, 0.2, 0.39), False)])
def test_a_tie_is_of_the_two_largest(probabilities: tuple[float, ...], tie: bool) -> None:
    assert near_tie(np.array(probabilities)) is tie


@pytest.mark.slow
def test_a_head_that_joins_changes_no_bit_of_the_others_in_the_file(
    run: vft.Run, grown: vft.Run, bundle: Path, grown_bundle: Path, shapes: Path
) -> None:
    places = [grown.classes.index(name) for name in run.classes]
    for photo in sorted(shapes.rglob("*.jpg"))[::4]:
        first, second = asked(bundle, photo), asked(grown_bundle, photo)
        for name in ("logits", "probabilities"):
            assert first[name].tobytes() == np.ascontiguousarray(second[name][:, places]).tobytes()
        assert first["embedding"].tobytes() == second["embedding"].tobytes()
        assert second["labels"][:, [0, 2]].tolist() == first["labels"].tolist()
        assert second["label_probabilities"][:, [0, 2]].tobytes() == first["label_probabilities"].tobytes()


@pytest.mark.slow
def test_the_file_alone_answers_like_the_run(grown: vft.Run, grown_bundle: Path, shapes: Path) -> None:
    photo = shapes / "disc" / "19.jpg"
    (expected,), (answer,) = vft.predict(grown, photo), vft.predict(grown_bundle, photo)
    found = asked(grown_bundle, photo)
    assert found["probabilities"][0] == pytest.approx(expected.probabilities, abs=1e-4)
    assert tuple(found["labels"][0]) == expected.labels == answer.labels
    assert (found["class_indices"].dtype, found["class_indices"].shape) == (np.int64, (1, 3))
    record = json.loads((grown_bundle / "bundle.json").read_text())
    assert (record["schema_version"], record["task"], record["classes"]) == (3, "multihead", list(grown.classes))
    assert set(record["parity"]["by_head"]) == {"edge", "half", "kind"}
    assert max(record["parity"]["by_head"].values()) == record["parity"]["max_probability_difference"] < 1e-3
    assert "have a column for each head, in the order edge, half, kind" in (grown_bundle / "README.md").read_text()
    by_run, by_bundle = (vft.evaluate(each, data=grown.settings.photos).metrics for each in (grown, grown_bundle))
    assert by_bundle.all_right == pytest.approx(by_run.all_right, abs=0.02)
    assert by_bundle.summary()["heads"] == pytest.approx(by_run.summary()["heads"], abs=0.02)
    told = subprocess.run([sys.executable, "-I", CHECK, grown_bundle], capture_output=True, text=True, check=False)
    assert told.stdout == f"{grown_bundle} conforms: 8 golden photos\n"


@pytest.mark.slow
def test_what_answers_otherwise_is_not_placed(grown: vft.Run, grown_bundle: Path) -> None:
    stages, session = (
        Stages(onnx.load(grown_bundle / "model.onnx"), grown.preprocess),
        Session(Bundle.open(grown_bundle)),
    )
    network = grown.network()
    with torch.no_grad():
        network.head.bias[2] += 1
    with pytest.raises(
        ParityError, match=r"probabilities of the head half differ by up to .* the network half is at fau"
    ):
        SHIPPING.prove(session, Truth(network, grown.preprocess, grown.answering()), stages, shown(grown), 12, None)
    warm = replace(grown.answering(), temperatures=np.array([3, 1, 1], np.float32))
    with pytest.raises(ParityError, match="probabilities of the head edge differ"):
        SHIPPING.prove(session, Truth(grown.network(), grown.preprocess, warm), stages, shown(grown), 12, None)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_answers_every_head(grown_bundle: Path, shapes: Path, tmp_path: Path) -> None:
    photo = shapes / "disc" / "19.jpg"
    with served(grown_bundle, tmp_path / "log") as server:
        given = {"content": photo.read_bytes(), "headers": {"content-type": "image/jpeg"}}
        (told,) = server.client.post("/classify?top=2", **given).json()["answers"]
        tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 4, 4, 3], "data": [0] * 48}
        wanted = {"inputs": [tensor], "outputs": [{"name": "labels"}, {"name": "label_probabilities"}]}
        labels, sure = server.client.post("/v2/models/bundle/infer", json=wanted).json()["outputs"]
    (expected,) = vft.predict(grown_bundle, photo)
    assert tuple(told["heads"]) == expected.heads == ("edge", "half", "kind")
    assert tuple(each["label"] for each in told["heads"].values()) == expected.labels
    assert [len(each["top"]) for each in told["heads"].values()] == [2, 2, 2]
    assert (labels["datatype"], labels["shape"], sure["shape"]) == ("BYTES", [1, 3], [1, 3])


@pytest.mark.slow
def test_every_command_goes_the_whole_way(catalogue: Path, small: dict[str, Any], shapes: Path, tmp_path: Path) -> None:
    def told(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "visionft", *map(str, words)], capture_output=True, text=True, check=False,
            cwd=tmp_path,
        )  # fmt: skip

    named = {**small, "backbone": "visionft_pico", "weights": "hub", "data.label-column": THREE}
    flags = [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    fitted = told("fit", catalogue, "--task", "multihead", *flags, "--method", "lora", "--out", "run", "--json")
    assert fitted.returncode == 0, fitted.stderr
    assert {"val_top1", "test_top1"} <= set(json.loads(fitted.stdout.splitlines()[-1]))
    evaluated = told("evaluate", "run", "--split", "validation", "--json")
    assert set(json.loads(evaluated.stdout.splitlines()[-1])["heads"]) == {"edge", "half", "kind"}
    exported = told("export", "run", "--out", "bundle")
    assert "and the same labels of every head" in exported.stdout, exported.stderr
    predicted = told("predict", "bundle", shapes / "disc", "--out", "answers.csv")
    assert (predicted.returncode, "20 photos answered" in predicted.stdout) == (0, True)
    header = "path,edge,edge_probability,half,half_probability,kind,kind_probability,problem\n"
    assert (tmp_path / "answers.csv").read_text().startswith(header)
