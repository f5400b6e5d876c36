"""From a fit to a served number: by the commands, each a process of its own, and by hand where something is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from PIL import Image

import visionft as vft
from tests.serving.server.processes import served
from visionft.bundle import Bundle
from visionft.errors import BundleError, ParityError, UsageError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Stages
from visionft.photos import read
from visionft.serving import Session
from visionft.tasks.regression.shipping import SHIPPING, tolerance

CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"


@pytest.fixture(scope="module")
def prices(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of the shapes with a number for each: its brightness."""
    place = tmp_path_factory.mktemp("prices") / "prices.csv"
    photos = sorted(shapes.rglob("*.jpg"))
    rows = [f"{photo},{np.asarray(Image.open(photo)).mean():.2f}" for photo in photos]
    place.write_text("\n".join(["path,price", *rows]) + "\n")
    return place


@pytest.fixture(scope="module")
def run(prices: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    out = tmp_path_factory.mktemp("numbers") / "run"
    wanted = {**small, "task": "regression", "data.label_column": "price", "method": "gradual", "epochs": 2}
    return vft.fit(prices, out=out, say=lambda _: None, **wanted)


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
    assert [value.name for value in session.get_outputs()] == ["value", "embedding"]
    value, embedding = session.run(None, {"image": np.asarray(Image.open(photo))[None]})
    assert value == pytest.approx([expected.value], rel=1e-4)
    assert np.linalg.norm(embedding) == pytest.approx(1)
    (answer,) = vft.predict(bundle, photo)
    assert answer.value == pytest.approx(expected.value, rel=1e-4)
    assert 0 < answer.value < 255


def test_the_record_says_what_is_answered_and_how_it_was_proved(run: vft.Run, bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    assert (record["schema_version"], record["task"], record["classes"], record["agreement"]) == (
        3, "regression", [], None,
    )  # fmt: skip
    assert record["parity"]["n"] == run.result["val"]["n"]
    assert record["parity"]["max_value_difference"] <= record["parity"]["tolerance"]
    card = (bundle / "README.md").read_text()
    assert f"validation: MAE {run.result['val']['mae']:.4g}" in card
    assert ": test_resnet, numbers, " in str(Bundle.open(bundle))


def test_an_evaluation_of_the_file_has_the_figures_of_the_run(run: vft.Run, bundle: Path, prices: Path) -> None:
    by_run, by_bundle = (vft.evaluate(subject, data=prices) for subject in (run, bundle))
    for name in ("mae", "rmse", "r2"):
        assert by_bundle.summary()[name] == pytest.approx(by_run.summary()[name], rel=1e-3)
    assert by_bundle.predictions.column_names == ["path", "truth", "value", "error"]


def test_golden_answers_are_checked_where_it_will_serve(bundle: Path, tmp_path: Path) -> None:
    def checked(folder: Path) -> str:
        told = subprocess.run([sys.executable, "-I", CHECK, folder], capture_output=True, text=True, check=False)
        return told.stdout

    assert checked(bundle) == f"{bundle} conforms: 8 golden photos\n"
    other = tmp_path / "bundle"
    shutil.copytree(bundle, other)
    (other / "digests.json").unlink()
    record = json.loads((other / "bundle.json").read_text())
    record["provenance"].pop("bundle_layout")
    (other / "bundle.json").write_text(json.dumps(record))
    expected = json.loads((other / "golden" / "expected.json").read_text())
    expected["photos"][0]["value"] += 1.0
    (other / "golden" / "expected.json").write_text(json.dumps(expected))
    assert "value is off by 1" in checked(other)


def test_another_network_does_not_pass(run: vft.Run, bundle: Path) -> None:
    import onnx

    network = run.network()
    with torch.no_grad():
        network.head.bias += 0.5
    stages = Stages(onnx.load(bundle / "model.onnx"), run.preprocess)
    truth = Truth(network.eval(), run.preprocess, run.answering())
    with pytest.raises(ParityError, match=r"values differ by up to 0\.5, and .* may .*; the network half is at fault"):
        SHIPPING.prove(Session(bundle), truth, stages, shown(run), 9, None)


def test_a_number_may_be_off_by_a_thousandth_of_the_spread() -> None:
    assert tolerance([0.0, 200.0]) == pytest.approx(0.1)
    assert tolerance([50.0]) == pytest.approx(0.05)
    assert tolerance([0.0]) > 0


def test_a_record_of_a_task_that_is_not_known_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "bundle"
    shutil.copytree(bundle, other)
    record = json.loads((other / "bundle.json").read_text())
    (other / "digests.json").unlink()
    (other / "bundle.json").write_text(json.dumps({**record, "task": "counting", "provenance": {}}))
    with pytest.raises(BundleError, match="its task is 'counting', which this visionft does not know"):
        Bundle.open(other)


def test_a_server_answers_numbers(run: vft.Run, bundle: Path, shapes: Path, tmp_path: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    (expected,) = vft.predict(run, photo)
    with served(bundle, tmp_path / "log") as server:
        told = server.client.post("/classify", content=photo.read_bytes(), headers={"content-type": "image/jpeg"})
        assert told.json()["answers"][0]["value"] == pytest.approx(expected.value, rel=1e-4)
        image = np.asarray(Image.open(photo))[None]
        tensor = {"name": "image", "datatype": "UINT8", "shape": list(image.shape), "data": image.ravel().tolist()}
        name = server.client.get("/v2/models/bundle").json()
        assert [output["name"] for output in name["outputs"]] == ["value", "embedding"]
        asked = {"inputs": [tensor], "outputs": [{"name": "value"}]}
        answer = server.client.post("/v2/models/bundle/infer", json=asked).json()
        assert answer["outputs"][0]["data"] == pytest.approx([expected.value], rel=1e-4)
        refused = server.client.post("/v2/models/bundle/infer", json={**asked, "outputs": [{"name": "label"}]})
        assert (refused.status_code, "ask for value, embedding" in refused.json()["error"]) == (400, True)


@pytest.mark.slow
def test_every_command_goes_the_whole_way(prices: Path, small: dict[str, Any], shapes: Path, tmp_path: Path) -> None:
    def asked(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "visionft", *map(str, words)], capture_output=True, text=True, check=False,
            cwd=tmp_path,
        )  # fmt: skip

    flags = [word for name, value in small.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    fitted = asked(
        "fit", prices, "--task", "regression", "--data.label-column", "price", *flags, "--out", "run", "--json"
    )
    assert fitted.returncode == 0, fitted.stderr
    assert {"val_mae", "test_mae"} <= set(json.loads(fitted.stdout.splitlines()[-1]))
    evaluated = asked("evaluate", "run", "--split", "validation", "--json")
    assert {"mae", "rmse", "r2"} <= set(json.loads(evaluated.stdout.splitlines()[-1]))
    exported = asked("export", "run", "--out", "bundle")
    assert "values at most" in exported.stdout
    predicted = asked("predict", "bundle", shapes / "disc", "--out", "answers.csv")
    assert (predicted.returncode, "20 photos answered" in predicted.stdout) == (0, True)
    assert (tmp_path / "answers.csv").read_text().startswith("path,value,problem\n")
    wrong = asked("fit", shapes, "--task", "regression", *flags, "--out", "other")
    assert (wrong.returncode, "is a folder, and the task regression" in wrong.stderr) == (1, True)
    assert not (tmp_path / "other").exists()


def test_what_a_report_has_of_classes_is_not_asked_of_numbers(run: vft.Run, bundle: Path, prices: Path) -> None:
    assert not list(run.path.rglob("report.html")), "a report shows confusions"
    for refused in (
        lambda: vft.report(run),
        lambda: vft.evaluate(run, slice=["path"]),
        lambda: vft.evaluate(run, pictures="all"),
        lambda: vft.evaluate(bundle, data=prices, pictures="all"),
    ):
        with pytest.raises(UsageError, match=r"has no part in the task regression, which answers with numbers; "):
            refused()


def test_no_number_in_batches_of_one_size_is_no_agreement() -> None:
    photos = [Photo(f"{at}.jpg", 0, np.full((2, 2, 3), at, np.uint8)) for at in range(3)]
    answer: Any = lambda image: SimpleNamespace(value=float(image[0, 0, 0]))  # noqa: E731
    session = SimpleNamespace(answer=answer, answer_batch=lambda images: [answer(image) for image in images])

    def of(images: Any) -> Any:
        return SimpleNamespace(logits=np.array([[float(image[0, 0, 0])] for image in images], np.float32), pixels=None)

    def batches(_: Any) -> Any:
        right = of([photo.image for photo in photos for _ in range(2)]).logits
        yield "one at a time", right
        yield "together", np.where(right == 1, np.nan, right)

    stages = SimpleNamespace(batches=batches, pixel_difference=lambda _: 0.0)
    given: Any = (session, SimpleNamespace(of=of), stages)
    with pytest.raises(ParityError, match=r"values differ by up to inf, .*together"):
        SHIPPING.prove(*given, iter(photos), 3, None)
