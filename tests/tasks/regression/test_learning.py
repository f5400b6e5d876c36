"""A number is learnt in standardised units and answered in its own; a run goes on where it was stopped."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import visionft as vft
from visionft import backbones
from visionft.backbones.heads import HEADS, HeadKind, LinearHead, MlpHead
from visionft.errors import RunMismatchError, SettingsError, UsageError
from visionft.runs import layout
from visionft.runs.criterion import Photos
from visionft.settings import build
from visionft.tasks.regression.labels import statistics
from visionft.tasks.regression.learning import LEARNING
from visionft.training import Listener, TrainState


class StopAfter(Listener):
    """Ends the training as ^C does."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def stepped(self, state: TrainState, photos: int) -> None:
        if state.step == self.steps:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of 60 photos of one grey each, and a price that follows the grey."""
    root, random = tmp_path_factory.mktemp("bright"), np.random.default_rng(0)
    rows = []
    for number, level in enumerate(random.uniform(20, 235, 60)):
        noise = random.normal(0, 4, (40, 40, 3))
        Image.fromarray(np.clip(level + noise, 0, 255).astype(np.uint8)).save(root / f"{number:02}.png")
        rows.append(f"{number:02}.png,{1000 + 40 * level:.2f}")
    (root / "prices.csv").write_text("\n".join(["path,price", *rows]) + "\n")
    return root / "prices.csv"


def flags(small: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**small, "task": "regression", "data.label_column": "price", "say": lambda _: None, **more}


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_folding_answers_as_if_the_standardised_answer_were_scaled(kind: HeadKind) -> None:
    torch.manual_seed(0)
    network = backbones.create("test_resnet", "none", 1, kind, size=32)
    last = network.head.out if isinstance(network.head, MlpHead) else network.head
    assert isinstance(last, LinearHead)
    torch.nn.init.normal_(last.weight)
    manifest: Any = type("Rows", (), {"rows": lambda _, split: Photos(np.zeros((2, 1)), np.array([900.0, 1100.0]))})()
    photos = torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        before = network.eval()(photos)
        LEARNING.fold(network, manifest)
        assert torch.allclose(network(photos), before * 100 + 1000, rtol=1e-5)


def test_no_head_of_a_bounded_answer_learns_numbers() -> None:
    with pytest.raises(SettingsError, match="--head: the task regression has no cosine; give one of linear and mlp"):
        build("photos.csv", task="regression", head="cosine")
    assert {"linear", "mlp"} <= set(HEADS)


def test_ridge_finds_a_linear_number() -> None:
    random = np.random.default_rng(0)
    features = random.normal(3, 2, (300, 8)).astype(np.float32)
    labels = (features @ np.arange(8) + 50).astype(np.float32)
    train, held_out = Photos(features[:200], labels[:200]), Photos(features[200:], labels[200:])
    head = LinearHead(8, 1)
    found = LEARNING.solve(head, build("photos.csv", task="regression"), train, held_out, None)
    mean, std = statistics(train.labels)
    answers = (held_out.features @ found.weight[0] + found.bias[0]) * std + mean
    assert np.abs(answers - held_out.labels).max() < 0.05 * std


def test_a_run_learns_a_number_in_its_own_unit(bright: Path, small: dict[str, Any], tmp_path: Path) -> None:
    run = vft.fit(bright, **flags(small, epochs=8, out=tmp_path / "run", **{"augment.strength": "none"}))
    val = run.result["val"]
    assert val["mae"] < 0.5 * val["std"]
    assert val["r2"] > 0.5
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    kept = next(row for row in rows if int(row["epoch"]) == run.result["kept_epoch"])
    assert float(kept["val_mae"]) == min(float(row["val_mae"]) for row in rows)
    assert float(kept["val_mae"]) == pytest.approx(val["mae"], rel=1e-3)
    assert not (run.path / layout.CALIBRATION).exists()
    assert {file.name for file in (run.path / "evaluation" / "test").iterdir()} == {
        "metrics.json", "predictions.csv", "predictions.parquet",
    }  # fmt: skip
    told = run.summary()
    assert (told["val_mae"], set(told) & {"val_top1"}) == (val["mae"], set())
    assert "numbers, validation MAE" in str(run)


def test_a_stopped_run_ends_as_one_that_was_not(bright: Path, small: dict[str, Any], tmp_path: Path) -> None:
    wanted = flags(small, epochs=3, loss="l1", seed=3)
    whole = vft.fit(bright, **wanted, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        vft.fit(bright, **wanted, out=tmp_path / "stopped", listeners=[StopAfter(9)])
    so_far = vft.Run.open(tmp_path / "stopped", unfinished=True)
    assert abs(so_far.network().head.bias.item()) > 100  # in the labels' unit already
    with pytest.raises(RunMismatchError, match="loss was l1, is l2"):
        vft.fit(bright, **{**wanted, "loss": "l2"}, out=tmp_path / "stopped")
    stopped = vft.fit(bright, **wanted, out=tmp_path / "stopped")
    assert stopped.weights_sha256 == whole.weights_sha256


def test_what_has_no_part_in_numbers_is_refused_first(bright: Path, small: dict[str, Any], tmp_path: Path) -> None:
    wanted = flags(small, epochs=1, out=tmp_path / "run")
    run = vft.fit(bright, **wanted)
    for verb, words in (
        (lambda: vft.blend(run), "blend, asked for of the run .* has no part in the task regression"),
        (lambda: vft.export(run, precision="int8"), "--precision int8 has no part in the task regression"),
        (lambda: vft.export(run, target="onnxruntime==1.17.3"), "--target onnxruntime==1.17.3 has no part"),
        (lambda: vft.export(run, accept=None), "--accept none has no part in the task regression"),
        (lambda: vft.export(adapters=[run], out=tmp_path / "b"), "--adapters with the run .* has no part"),
        (lambda: vft.predict(run, bright.parent, top=2), "top is 2, and a photo has one number"),
        (lambda: vft.advise(bright, task="regression"), "advise, which .* has no part in the task regression"),
        (lambda: vft.fit(bright.parent, from_run=run.path, out=tmp_path / "c"), "--from .* has no part in the task"),
        (
            lambda: vft.fit(bright.parent, distill=run.path, out=tmp_path / "c"),
            "--distill .* has no part in the task",
        ),
    ):
        with pytest.raises((UsageError, vft.VisionftError), match=words):
            verb()
    assert not (tmp_path / "c").exists()
