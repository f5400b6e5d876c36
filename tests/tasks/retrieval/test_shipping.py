"""From a fit to a search: by the commands, each a process of its own, and by hand where something is wrong."""

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
from visionft.errors import ParityError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import Stages
from visionft.photos import read
from visionft.serving import Session
from visionft.tasks.retrieval.shipping import SHIPPING, TOLERANCE

pytestmark = pytest.mark.slow  # an export each
CHECK = Path(__file__).resolve().parents[3] / "export" / "check.py"


@pytest.fixture(scope="module")
def run(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    out = tmp_path_factory.mktemp("embeddings") / "run"
    wanted = {**small, "backbone": "visionft_pico", "weights": "auto", "task": "retrieval", "embedding.size": 24}
    return vft.fit(shapes, out=out, say=lambda _: None, **wanted)


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
    assert [value.name for value in session.get_outputs()] == ["embedding"]
    (found,) = session.run(None, {"image": np.asarray(Image.open(photo))[None]})
    assert found.shape == (1, 24)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    assert float(found[0] @ expected.embedding) > TOLERANCE
    (answer,) = vft.predict(bundle, photo)
    assert answer.embedding == pytest.approx(found[0], abs=1e-6)


def test_the_record_says_how_it_was_proved(run: vft.Run, bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    assert (record["task"], len(record["classes"]), record["agreement"]) == ("retrieval", 3, None)
    assert record["parity"]["n"] == run.result["val"]["n"]
    assert record["parity"]["least_cosine"] >= record["parity"]["tolerance"] == TOLERANCE
    card = (bundle / "README.md").read_text()
    assert f"recall@1 {run.result['val']['recall1']:.1%}" in card
    told = subprocess.run([sys.executable, "-I", CHECK, bundle], capture_output=True, text=True, check=False)
    assert told.stdout == f"{bundle} conforms: 8 golden photos\n"


def test_an_evaluation_of_the_file_has_the_figures_of_the_run(run: vft.Run, bundle: Path, shapes: Path) -> None:
    by_run, by_bundle = (vft.evaluate(subject, data=shapes) for subject in (run, bundle))
    for name in ("recall1", "recall5", "map"):
        assert by_bundle.summary()[name] == pytest.approx(by_run.summary()[name], abs=0.02)


def test_another_network_does_not_pass(run: vft.Run, bundle: Path) -> None:
    network = run.network()
    with torch.no_grad():
        network.head.weight[0] *= 3
    stages = Stages(onnx.load(bundle / "model.onnx"), run.preprocess)
    truth = Truth(network.eval(), run.preprocess, run.answering())
    with pytest.raises(ParityError, match=r"embeddings have a cosine of 0\.\d+ with .* the network half is at fault"):
        SHIPPING.prove(Session(bundle), truth, stages, shown(run), 9, None)


def test_an_index_takes_run_and_bundle_and_holds_projections(
    run: vft.Run, bundle: Path, shapes: Path, tmp_path: Path
) -> None:
    photo = shapes / "disc" / "00.jpg"
    for subject in (run, bundle):
        place = tmp_path / Path(subject if isinstance(subject, Path) else subject.path).name
        vft.index(subject, shapes, out=place)
        (row,) = vft.search(place, photo, top=2)
        assert row.hits[0].path.endswith("disc/00.jpg")
        assert row.hits[0].score == pytest.approx(1, abs=1e-5)
        (one, other) = (vft.predict(subject, shapes / path)[0].embedding for path in (photo, row.hits[1].path))
        assert row.hits[1].score == pytest.approx(float(one @ other), abs=1e-4), "what is searched is what is answered"


def test_a_server_answers_embeddings(run: vft.Run, bundle: Path, shapes: Path, tmp_path: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    (expected,) = vft.predict(run, photo)
    with served(bundle, tmp_path / "log") as server:
        told = server.client.post("/classify", content=photo.read_bytes(), headers={"content-type": "image/jpeg"})
        assert told.json()["answers"][0]["embedding"] == pytest.approx(expected.embedding.tolist(), abs=1e-3)


def test_every_command_goes_the_whole_way(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    def asked(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "visionft", *map(str, words)], capture_output=True, text=True, check=False,
            cwd=tmp_path,
        )  # fmt: skip

    given = {**small, "backbone": "visionft_pico", "weights": "auto"}
    flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    fitted = asked("fit", shapes, "--task", "retrieval", *flags, "--out", "run", "--json")
    assert fitted.returncode == 0, fitted.stderr
    assert {"val_recall1", "test_recall1"} <= set(json.loads(fitted.stdout.splitlines()[-1]))
    evaluated = asked("evaluate", "run", "--split", "validation", "--json")
    assert {"recall1", "recall5", "recall10", "map", "product_recall1"} <= set(json.loads(evaluated.stdout))
    exported = asked("export", "run", "--out", "bundle")
    assert "embeddings of a cosine of at least" in exported.stdout
    assert asked("index", "bundle", shapes, "--out", "catalogue").returncode == 0
    searched = asked("search", "catalogue", shapes / "disc" / "03.jpg", "--top", "1")
    assert "disc/03.jpg" in searched.stdout
    predicted = asked("predict", "bundle", shapes / "disc", "--out", "answers.parquet")
    assert (predicted.returncode, "20 photos answered" in predicted.stdout) == (0, True)
    wrong = asked("fit", shapes, "--data.split-by", "class", *flags, "--out", "other")
    assert (wrong.returncode, "learns no embedding of its own" in wrong.stderr) == (2, True), wrong.stderr
    assert not (tmp_path / "other").exists()
