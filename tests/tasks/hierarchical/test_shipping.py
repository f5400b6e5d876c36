"""From a fit to served nodes: the file alone answers like the run, parents are sums, and what differs is not placed."""

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
from onnx import numpy_helper
from PIL import Image

import visionft as vft
from tests.serving.server.processes import served
from visionft.bundle import Bundle
from visionft.errors import ParityError, SettingsError, UsageError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Stages
from visionft.photos import read
from visionft.serving import Session
from visionft.tasks.hierarchical.shipping import MIN_CONFIDENCE, SHIPPING, SUM_TOLERANCE, parent_gap
from visionft.tasks.hierarchical.taxonomy_tree import Tree

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"
OUTPUTS = ["label", "chosen", "chosen_probability", "probabilities", "node_probabilities", "logits", "embedding"]


def shown(trained_run: vft.Run) -> Iterator[Photo]:
    manifest = trained_run.manifest()
    yield from starmap(Photo, ((path, 0, read(manifest.root / path)) for path in manifest.rows("validation").paths))


def asked(bundle: Path, photo: Path) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == OUTPUTS
    return dict(zip(OUTPUTS, session.run(None, {"image": np.asarray(Image.open(photo))[None]}), strict=True))


def test_the_file_alone_answers_like_the_run(trained_run: vft.Run, bundle: Path, shapes: Path) -> None:
    photo, tree = shapes / "disc" / "19.jpg", Tree(trained_run.classes.names)
    (expected,) = vft.predict(trained_run, photo)
    found = asked(bundle, photo)
    assert found["node_probabilities"][0] == pytest.approx(expected.node_probabilities, abs=1e-4)
    assert parent_gap(tree, found["node_probabilities"][0]) <= SUM_TOLERANCE
    assert found["probabilities"].sum() == pytest.approx(1, abs=1e-6)
    assert found["label"][0] == (expected.label or "")
    assert (found["chosen"].dtype, found["chosen"].shape) == (np.int64, (1,))
    (answer,) = vft.predict(bundle, photo)
    assert answer.to_row() == {
        **expected.to_row(), "probability": pytest.approx(expected.probability, abs=1e-4),
        "leaf_probability": pytest.approx(expected.leaf_probability, abs=1e-4),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("logits", "confidence", "label"),
    [
        ((9.0, 0.0, 0.0), 0.9, "round/disc"),
        ((-9.0, 2.0, 1.9), 0.9, "straight"),
        ((-9.0, 2.0, 1.9), 0.51, "straight/square"),
        ((1.0, 1.0, -3.0), 0.9, ""),
        ((20.0, -20.0, -20.0), 1.0, "round/disc"),
        ((0.0, 0.0, 0.0), 0.6, "straight"),
    ],
)
def test_the_graph_chooses_as_the_rule_does(
    trained_run: vft.Run, logits: tuple[float, ...], confidence: float, label: str
) -> None:
    rule = replace(trained_run.answering(), min_confidence=confidence, temperature=1.0)
    given = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["N", 3])
    told = [onnx.helper.make_empty_tensor_value_info(name) for name in ("label", "chosen", "chosen_probability")]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "end", [given], told), opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9
    )
    SHIPPING.append(model, trained_run.classes.names, rule)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names, chosen, probability = session.run(None, {"logits": np.array([logits], np.float32)})
    nodes = rule.nodes(rule.probabilities(np.array([logits], np.float32)))
    assert names[0] == label
    assert chosen[0] == rule.chosen(nodes)[0]
    assert probability[0] == pytest.approx(1.0 if chosen[0] < 0 else nodes[0, chosen[0]], abs=1e-6)


def test_the_record_says_what_is_answered_and_how_it_was_proved(trained_run: vft.Run, bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    assert (record["schema_version"], record["task"], record["classes"]) == (
        3,
        "hierarchical",
        list(trained_run.classes),
    )
    assert record["min_confidence"] == trained_run.answering().min_confidence
    assert record["parity"]["n"] == trained_run.result["val"]["n"]
    assert record["parity"]["max_parent_difference"] <= SUM_TOLERANCE
    card = (bundle / "README.md").read_text()
    assert "a taxonomy of 3 leaves in 2 levels" in card
    assert "are the nodes 1, 3, 4." in card
    assert ", 5 nodes of a taxonomy, " in str(Bundle.open(bundle))
    by_run, by_bundle = (vft.evaluate(each, data=trained_run.settings.photos).metrics for each in (trained_run, bundle))
    assert by_bundle.sure.min_confidence == by_run.sure.min_confidence
    for name in ("top1", "distance", "sure_answered"):
        assert by_bundle.summary()[name] == pytest.approx(by_run.summary()[name], abs=0.02)


def test_golden_answers_are_checked_where_it_will_serve(bundle: Path) -> None:
    told = subprocess.run([sys.executable, "-I", CHECK, bundle], capture_output=True, text=True, check=False)
    assert told.stdout == f"{bundle} conforms: 8 golden photos\n"


def test_another_network_does_not_pass_nor_do_another_confidence_and_other_sums(
    trained_run: vft.Run, bundle: Path
) -> None:
    stages, session = Stages(onnx.load(bundle / "model.onnx"), trained_run.preprocess), Session(Bundle.open(bundle))
    network = trained_run.network()
    with torch.no_grad():
        network.head.bias[0] += 1
    with pytest.raises(
        ParityError, match=r"probabilities differ by up to 0\.\d+, and .*; the network half is at fault"
    ):
        SHIPPING.prove(
            session,
            Truth(network.eval(), trained_run.preprocess, trained_run.answering()),
            stages,
            shown(trained_run),
            12,
            None,
        )
    assert trained_run.answering().sure >= 0.99  # so few photos assure nothing, and none of the answers is so sure
    bolder = Truth(trained_run.network(), trained_run.preprocess, replace(trained_run.answering(), min_confidence=0.51))
    with pytest.raises(ParityError, match="photos get another node by the same probabilities; the confidence differs"):
        SHIPPING.prove(session, bolder, stages, shown(trained_run), 12, None)
    with pytest.raises(ParityError, match="there is no readable validation photo"):
        SHIPPING.prove(
            session,
            Truth(trained_run.network(), trained_run.preprocess, trained_run.answering()),
            stages,
            iter(()),
            0,
            None,
        )


@pytest.mark.slow
def test_a_confidence_of_ones_own_is_in_the_graph(trained_run: vft.Run, tmp_path: Path) -> None:
    place = vft.export(trained_run, tmp_path / "bundle", min_confidence=0.6).bundle
    fitted = {t.name: numpy_helper.to_array(t) for t in onnx.load(place / "model.onnx").graph.initializer}
    assert fitted[MIN_CONFIDENCE] == np.float32(0.6)
    assert Bundle.open(place).record.min_confidence == 0.6
    for wrong in (0.5, 1.1):
        with pytest.raises(SettingsError, match="--min-confidence"):
            vft.export(trained_run, tmp_path / "other", min_confidence=wrong)


def test_classes_have_no_such_confidence(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"--min-confidence 0.9 has no part in the task classification"):
        vft.export(trained, min_confidence=0.9)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_answers_nodes(bundle: Path, shapes: Path, tmp_path: Path) -> None:
    photo = (shapes / "disc" / "19.jpg").read_bytes()
    with served(bundle, tmp_path / "log") as server:
        answers = server.client.post("/classify?top=2", content=photo, headers={"content-type": "image/jpeg"}).json()[
            "answers"
        ]
        tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 4, 4, 3], "data": [0] * 48}
        wanted = {"inputs": [tensor], "outputs": [{"name": "chosen"}, {"name": "node_probabilities"}]}
        chosen, nodes = server.client.post("/v2/models/bundle/infer", json=wanted).json()["outputs"]
    (told,) = answers
    assert (chosen["datatype"], chosen["shape"], nodes["shape"]) == ("INT64", [1], [1, 5])
    (expected,) = vft.predict(bundle, shapes / "disc" / "19.jpg")
    assert (told["label"], told["level"]) == (expected.label, expected.level)
    assert told["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert told["top"][0]["label"] == expected.leaf


@pytest.mark.slow
def test_every_command_goes_the_whole_way(nested: Path, small: dict[str, Any], shapes: Path, tmp_path: Path) -> None:
    def told(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "visionft", *map(str, words)], capture_output=True, text=True, check=False,
            cwd=tmp_path,
        )  # fmt: skip

    # LoRA needs weights under which its additions get a gradient, as those of the package are.
    named = {**small, "backbone": "visionft_pico", "weights": "hub"}
    flags = [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    fitted = told("fit", nested, "--task", "hierarchical", *flags, "--method", "lora", "--out", "run", "--json")
    assert fitted.returncode == 0, fitted.stderr
    assert {"val_top1", "test_top1"} <= set(json.loads(fitted.stdout.splitlines()[-1]))
    evaluated = told("evaluate", "run", "--split", "validation", "--json")
    assert {"levels", "distance", "sure_precision"} <= set(json.loads(evaluated.stdout.splitlines()[-1]))
    exported = told("export", "run", "--min-confidence", "0.7", "--out", "bundle")
    assert "off the sum of their children, and the same nodes chosen" in exported.stdout, exported.stderr
    predicted = told("predict", "bundle", shapes / "disc", "--out", "answers.csv")
    assert (predicted.returncode, "20 photos answered" in predicted.stdout) == (0, True)
    assert (
        (tmp_path / "answers.csv")
        .read_text()
        .startswith("path,label,level,probability,leaf,leaf_probability,problem\n")
    )
