"""From a fit to served labels: the file alone answers like the run, and what does not is not placed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
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
from visionft.bundle import Bundle
from visionft.errors import ParityError
from visionft.exporting.parity_photos import Photo, kinds
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Stages
from visionft.photos import read
from visionft.serving import Session
from visionft.tasks.multilabel.label_thresholds import LabelPostprocess
from visionft.tasks.multilabel.shipping import SHIPPING, on_edge

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"


@pytest.fixture(scope="module")
def tags(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of the shapes: what they are, and whether they are dark."""
    place = tmp_path_factory.mktemp("tags") / "tags.csv"
    photos = sorted(shapes.rglob("*.jpg"))
    dark = [np.asarray(Image.open(photo)).mean() < 120 for photo in photos]
    rows = [f"{p},{int(p.parent.name == 'disc')},{int(d)}" for p, d in zip(photos, dark, strict=True)]
    place.write_text("\n".join(["path,disc,dark", *rows]) + "\n")
    return place


@pytest.fixture(scope="module")
def run(tags: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    wanted: dict[str, Any] = {**small, "task": "multilabel", "data.label_column": "disc,dark", "say": lambda _: None}
    return vft.fit(tags, out=tmp_path_factory.mktemp("run") / "run", **wanted)


@pytest.fixture(scope="module")
def bundle(run: vft.Run) -> Path:
    return vft.export(run).bundle


def shown(run: vft.Run) -> Iterator[Photo]:
    manifest = run.manifest()
    rows = manifest.rows("validation")
    yield from starmap(Photo, ((path, 0, read(manifest.root / path)) for path in rows.paths))


def test_the_file_alone_answers_like_the_run(run: vft.Run, bundle: Path, shapes: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    (expected,) = vft.predict(run, photo)
    session = ort.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == ["probabilities", "chosen", "logits", "embedding"]
    probabilities, chosen, logits, embedding = session.run(None, {"image": np.asarray(Image.open(photo))[None]})
    assert (probabilities.dtype, probabilities.shape, chosen.dtype, chosen.shape) == (np.float32, (1, 2), bool, (1, 2))
    assert probabilities[0] == pytest.approx(expected.probabilities, abs=1e-4)
    assert probabilities == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)
    assert np.linalg.norm(embedding) == pytest.approx(1)
    assert json.loads(session.get_modelmeta().custom_metadata_map["visionft.classes"]) == ["dark", "disc"]
    (answer,) = vft.predict(bundle, photo)
    assert answer.labels == expected.labels
    assert chosen[0].tolist() == answer.chosen.tolist()


def test_the_record_says_what_is_answered_and_how_it_was_proved(run: vft.Run, bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    assert (record["schema_version"], record["task"], record["classes"]) == (3, "multilabel", ["dark", "disc"])
    assert record["agreement"] is None
    assert record["parity"]["n"] == run.result["val"]["n"]
    assert record["parity"]["max_probability_difference"] < record["parity"]["tolerance"]
    card = (bundle / "README.md").read_text()
    assert f"validation: mAP {run.result['val']['map']:.4f}" in card
    assert "0. dark\n1. disc" in card
    assert ": test_resnet, 2 labels, " in str(Bundle.open(bundle))


def test_the_call_on_the_card_runs(bundle: Path, shapes: Path, tmp_path: Path) -> None:
    code = (bundle / "README.md").read_text().split("```python\n")[1].split("```")[0]
    code = code.replace("model.onnx", str(bundle / "model.onnx")).replace("photo.jpg", str(shapes / "disc" / "00.jpg"))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    (answer,) = vft.predict(bundle, shapes / "disc" / "00.jpg")
    assert told.stdout.strip() == str(sorted(answer.labels))


def test_an_evaluation_of_the_file_has_the_figures_of_the_run(run: vft.Run, bundle: Path, tags: Path) -> None:
    by_run, by_bundle = (vft.evaluate(subject, data=tags) for subject in (run, bundle))
    for name in ("map", "micro_f1", "macro_f1"):
        assert by_bundle.summary()[name] == pytest.approx(by_run.summary()[name], abs=0.02)
    thresholds = [[row.threshold for row in found.metrics.labels] for found in (by_run, by_bundle)]
    assert thresholds[0] == thresholds[1]


def test_golden_answers_are_checked_where_it_will_serve(bundle: Path) -> None:
    told = subprocess.run([sys.executable, "-I", CHECK, bundle], capture_output=True, text=True, check=False)
    assert told.stdout == f"{bundle} conforms: 8 golden photos\n"
    expected = json.loads((bundle / "golden" / "expected.json").read_text())["photos"]
    assert all(set(row["chosen"]) <= {0, 1} and row["allowed"]["chosen"] in (0, 1) for row in expected)


def test_another_network_does_not_pass_nor_do_other_thresholds(run: vft.Run, bundle: Path) -> None:
    stages = Stages(onnx.load(bundle / "model.onnx"), run.preprocess)
    network = run.network()
    with torch.no_grad():
        network.head.bias += 0.5
    truth = Truth(network.eval(), run.preprocess, run.answering())
    with pytest.raises(
        ParityError, match=r"probabilities differ by up to 0\.\d+, and .*; the network half is at fault"
    ):
        SHIPPING.prove(Session(bundle), truth, stages, shown(run), 9, None)
    nothing = LabelPostprocess.by(np.ones(2, np.float32))
    other = Truth(run.network(), run.preprocess, nothing)
    with pytest.raises(ParityError, match=r"labels are chosen otherwise on the same probabilities; the thresholds"):
        SHIPPING.prove(Session(bundle), other, stages, shown(run), 9, None)


def test_photos_of_every_set_of_labels_are_proved_first(run: vft.Run) -> None:
    rows = run.manifest().rows("train")
    found = kinds(rows)  # type: ignore[arg-type]  # any labels
    assert len(set(found.tolist())) == len({tuple(row) for row in rows.labels.tolist()})
    same = found == found[0]
    assert (rows.labels[same] == rows.labels[0]).all()


def test_a_server_answers_labels(run: vft.Run, bundle: Path, shapes: Path, tmp_path: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    (expected,) = vft.predict(run, photo)
    with served(bundle, tmp_path / "log") as server:
        headers = {"content-type": "image/jpeg"}
        told = server.client.post("/classify?top=2", content=photo.read_bytes(), headers=headers).json()["answers"][0]
        assert told["labels"] == list(expected.labels)
        assert [row["probability"] for row in told["top"]] == pytest.approx(
            sorted(expected.probabilities, reverse=True), abs=1e-4
        )
        files = [("a", (each.name, each.read_bytes())) for each in (photo, shapes / "disc" / "01.jpg")]
        grouped = server.client.post("/classify?group=1", files=files).json()["product"]
        (product,) = vft.predict(run, [photo, shapes / "disc" / "01.jpg"], group_by=["sku", "sku"])
        assert (grouped["photos"], grouped["unread"]) == (product.photos, product.unread) == (2, 0)
        assert grouped["labels"] == list(product.labels)
        assert grouped["top"][0]["probability"] == pytest.approx(product.probabilities.max(), abs=1e-4)
        image = np.asarray(Image.open(photo))[None]
        tensor = {"name": "image", "datatype": "UINT8", "shape": list(image.shape), "data": image.ravel().tolist()}
        asked = {"inputs": [tensor], "outputs": [{"name": "chosen"}, {"name": "probabilities"}]}
        chosen, probabilities = server.client.post("/v2/models/bundle/infer", json=asked).json()["outputs"]
        assert (chosen["datatype"], chosen["shape"], chosen["data"]) == ("BOOL", [1, 2], expected.chosen.tolist())
        assert probabilities["data"] == pytest.approx(expected.probabilities.tolist(), abs=1e-4)


@pytest.mark.slow
def test_every_command_goes_the_whole_way(tags: Path, small: dict[str, Any], shapes: Path, tmp_path: Path) -> None:
    def asked(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "visionft", *map(str, words)], capture_output=True, text=True, check=False,
            cwd=tmp_path,
        )  # fmt: skip

    flags = [word for name, value in small.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    task = ["--task", "multilabel", "--data.label-column", "disc,dark", "--loss", "asl"]
    fitted = asked("fit", tags, *task, *flags, "--out", "run", "--json")
    assert fitted.returncode == 0, fitted.stderr
    assert {"val_map", "test_map"} <= set(json.loads(fitted.stdout.splitlines()[-1]))
    evaluated = asked("evaluate", "run", "--split", "validation", "--json")
    assert {"map", "micro_f1", "macro_f1"} <= set(json.loads(evaluated.stdout.splitlines()[-1]))
    together = asked("evaluate", "run", "--split", "validation", "--group-by", "parent", "--out", "figures")
    assert "products: mAP " in together.stdout, together.stderr
    assert "products.csv" in {each.name for each in (tmp_path / "figures").iterdir()}
    exported = asked("export", "run", "--out", "bundle")
    assert "and the same labels chosen" in exported.stdout
    predicted = asked("predict", "bundle", shapes / "disc", "--out", "answers.csv")
    assert (predicted.returncode, "20 photos answered" in predicted.stdout) == (0, True)
    assert (tmp_path / "answers.csv").read_text().startswith("path,labels,problem\n")
    by_product = asked("predict", "bundle", shapes / "disc", "--group-by", "parent", "--out", "products.csv")
    assert "1 of 1 product answered" in by_product.stdout, by_product.stderr
    assert (tmp_path / "products.csv").read_text().startswith("product,photos,unread,labels,problem\n")


def answered_by(rule: LabelPostprocess, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and chosen labels of a graph that is given its logits."""
    shape = ["N", logits.shape[1]]
    outputs = [("probabilities", onnx.TensorProto.FLOAT), ("chosen", onnx.TensorProto.BOOL)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["logits"])],
        "labels",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name, kind in outputs],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    SHIPPING.append(model, None, rule)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    probabilities, chosen = session.run(None, {"x": logits})
    return probabilities, chosen


def test_the_graph_chooses_at_least_one_label_as_the_rule_does() -> None:
    logits = np.random.default_rng(0).normal(-1, 2, (500, 4)).astype(np.float32)
    logits[0] = -3  # of equal ones the first
    rule = LabelPostprocess.by(np.array([0.5, 0.6, 0.9, 1.0], np.float32), at_least_one=True)
    probabilities, chosen = answered_by(rule, logits)
    assert np.array_equal(chosen, rule.chosen(probabilities))
    assert chosen.any(axis=1).all()
    assert chosen[0].tolist() == [True, False, False, False]
    plain = LabelPostprocess.by(rule.thresholds)
    assert np.array_equal(answered_by(plain, logits)[1], plain.chosen(probabilities))
    assert not plain.chosen(probabilities).any(axis=1).all()


def test_a_rounding_excuses_no_label_that_is_plainly_the_most_probable() -> None:
    rule = LabelPostprocess.by(np.array([0.5, 0.9, 0.9], np.float32), at_least_one=True)
    assert on_edge(rule, np.array([0.2, 0.8, 0.1], np.float32)).tolist() == [False] * 3
    assert on_edge(rule, np.array([0.2, 0.8, 0.7999], np.float32)).tolist() == [False, True, True]
    assert on_edge(rule, np.array([0.4999, 0.8, 0.1], np.float32)).tolist() == [True, True, False]


def test_labels_from_memory_with_a_precision_and_one_label_at_least(
    tags: Path, small: dict[str, Any], shapes: Path, tmp_path: Path
) -> None:
    photos = [line.split(",") for line in tags.read_text().splitlines()[1:]]
    names = [[name for name, there in zip(("disc", "dark"), row[1:], strict=True) if there == "1"] for row in photos]
    given = [(row[0], several) for row, several in zip(photos, names, strict=True)]
    wanted: dict[str, Any] = {**small, "epochs": 0, "task": "multilabel", "say": lambda _: None}
    labels = {"labels.at_least_one": True, "labels.precision": 0.99}  # which 9 validation photos can hold of nothing
    wanted = {name: value for name, value in wanted.items() if not name.startswith(("augment", "optim"))}
    run = vft.fit(given, out=tmp_path / "run", **{**wanted, "hardware.precision": "auto"}, **labels)
    kept = json.loads((run.path / "calibration.json").read_text())
    assert (kept["at_least_one"], kept["precision"]) == (True, {"target": 0.99, "lower_bounds": {}})
    exported = vft.export(run)
    by_run, by_bundle = (vft.predict(subject, shapes / "disc") for subject in (run, exported.bundle))
    assert [row.labels for row in by_run] == [row.labels for row in by_bundle]
    assert {len(row.labels) for row in by_run} == {1}  # the most probable, as no threshold can be reached
    assert "and the most probable one where no label is" in (exported.bundle / "README.md").read_text()
    measured = vft.evaluate(exported.bundle, data=given)
    assert measured.metrics.micro_f1 == pytest.approx(vft.evaluate(run, data=given).metrics.micro_f1)
