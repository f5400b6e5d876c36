"""Heads are learnt by each way; one that joins leaves the others' answers bit for bit; what is lacking is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import visionft as vft
from tests.tasks.multihead.conftest import THREE
from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, eval_batches
from visionft.errors import DataError, SettingsError, UsageError
from visionft.runs import layout
from visionft.settings import build
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.learning import LEARNING


def logits_of(run: vft.Run, split: str) -> np.ndarray:
    manifest = run.manifest()
    photos = EvalPhotos(manifest.rows(split), manifest.root, run.preprocess)
    return forward_batches(run.network(), eval_batches(photos, 64, 0), run.preprocess, device="cpu")["logits"]


def test_a_run_has_the_figures_of_each_head(run: vft.Run) -> None:
    assert list(run.classes) == ["edge=round", "edge=straight", "kind=disc", "kind=square", "kind=stripes"]
    val = run.result["val"]
    assert val["top1"] == pytest.approx((val["heads"]["edge"]["top1"] + val["heads"]["kind"]["top1"]) / 2)
    assert val["heads"]["edge"]["top1"] >= val["heads"]["kind"]["top1"] > 0.5
    assert {file.name for file in (run.path / "evaluation" / "test").iterdir()} >= {"heads.csv", "classes.csv"}
    assert "5 classes in heads, validation mean top-1" in str(run)


def test_a_head_that_joins_leaves_the_others_bit_for_bit(run: vft.Run, grown: vft.Run, said: list[str]) -> None:
    heads, before = Heads(grown.classes.names), Heads(run.classes.names)
    assert heads.names == ("edge", "half", "kind")
    first, second = logits_of(run, "validation"), logits_of(grown, "validation")
    answers = run.answering().probabilities(first), grown.answering().probabilities(second)
    for name in before.names:
        own, now = before.slices[before.names.index(name)], heads.slices[heads.names.index(name)]
        assert first[:, own].tobytes() == second[:, now].tobytes()
        assert answers[0][:, own].tobytes() == answers[1][:, now].tobytes()
    tables = [
        pyarrow.parquet.read_table(each.path / "evaluation" / "test" / "predictions.parquet") for each in (run, grown)
    ]
    for name in ("edge_label", "edge_probability", "kind_label", "kind_probability"):
        assert tables[0][name] == tables[1][name]
    assert any(line.startswith("solved 1 head; edge and kind stay as they were") for line in said)
    assert json.loads((grown.path / layout.CALIBRATION).read_text())["kept"] == ["edge", "kind"]


def test_unknown_labels_are_counted_nowhere(grown: vft.Run) -> None:
    half = grown.result["val"]["heads"]["half"]
    assert (half["n"], grown.result["val"]["n"]) == (9, 12)
    table = pyarrow.parquet.read_table(grown.path / "evaluation" / "test" / "predictions.parquet")
    assert table["half_truth"].null_count == 3
    assert table["half_label"].null_count == 0


@pytest.mark.slow
@pytest.mark.parametrize("head", ["linear", "mlp", "cosine"])
def test_epochs_learn_every_head_from_mixed_photos(
    head: str, catalogue: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    named = {"data.label_column": THREE, "augment.mixup": 0.2, "optim.class_weights": "balanced", "head": head}
    wanted = {**small, "task": "multihead", "epochs": 3, "optim.label_smoothing": 0.1, "say": lambda _: None, **named}
    run = vft.fit(catalogue, out=tmp_path / "run", **wanted)
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    kept = next(row for row in rows if int(row["epoch"]) == run.result["kept_epoch"])
    assert float(kept["val_top1"]) == max(float(row["val_top1"]) for row in rows)
    assert float(kept["val_top1"]) == pytest.approx(run.result["val"]["top1"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "bce"}, "--loss: the task multihead has no bce; give one of cross_entropy"),
        ({"method": "prototypes"}, "prototypes are of classes, one for each photo, and the task multihead has a label"),
        (
            {"data.sampling": "balanced"},
            "--data.sampling: balanced has no effect, as the task multihead has no classes",
        ),
        ({"optim.class_weights": "effective"}, "effective counts the photos of classes, .* give balanced"),
    ],
)
def test_a_setting_that_means_nothing_here_is_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build("photos.csv", task="multihead", **given)


def test_what_has_no_part_here_is_refused_first(run: vft.Run, catalogue: Path, shapes: Path, tmp_path: Path) -> None:
    for verb, words in (
        (lambda: vft.blend(run), "blend, asked for of the run .* has no part in the task multihead"),
        (lambda: vft.advise(catalogue, task="multihead"), "advise, which .* has no part in the task multihead"),
        (lambda: vft.export(run, precision="int8"), "--precision int8 has no part in the task multihead"),
        (lambda: vft.compare(run, run.path / "other"), "compare with .* has no part in the task multihead|no run"),
        (lambda: vft.predict(run, shapes, top=2), "top is 2, and a photo has one label of each head"),
    ):
        with pytest.raises((UsageError, vft.VisionftError), match=words):
            verb()
    with pytest.raises(DataError, match="is a folder, and the task multihead learns several columns"):
        vft.fit(shapes, out=tmp_path / "run", task="multihead", say=lambda _: None)
    with pytest.raises(UsageError, match="learns the heads of its photos, which your own Trainer does not know"):
        LEARNING.criterion(run.settings, None)
