"""Labels are learnt from what is known of them; a run goes on where it was stopped; what they lack is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visionft as vft
from visionft.errors import RunMismatchError, SettingsError, UsageError
from visionft.runs import layout
from visionft.runs.learning import Final
from visionft.settings import build
from visionft.tasks.multilabel.label_precision import NEVER
from visionft.tasks.multilabel.label_thresholds import LabelThresholds
from visionft.tasks.multilabel.learning import LEARNING
from visionft.training import Listener, TrainState


class StopAfter(Listener):
    """Ends the training as ^C does."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def stepped(self, state: TrainState, photos: int) -> None:
        if state.step == self.steps:
            raise KeyboardInterrupt


def render(red: bool, bright: bool, striped: bool, random: np.random.Generator) -> Image.Image:
    photo = np.full((40, 40, 3), 60.0 + 110 * bright)
    photo[..., 0] += 70 * red
    photo[(np.arange(40) // 5) % 2 == 0] -= 50 * striped
    return Image.fromarray(np.clip(photo + random.normal(0, 8, photo.shape), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of 90 photos that are red, bright and striped or not; of some nobody knows whether striped."""
    root, random, rows = tmp_path_factory.mktemp("tagged"), np.random.default_rng(0), []
    for number in range(90):
        has = random.random(3) < [0.5, 0.4, 0.3]
        render(*has.tolist(), random).save(root / f"{number:02}.png")
        names = [name for name, there in zip(("red", "bright"), has, strict=False) if there]
        names += ["?striped"] if random.random() < 0.2 else ["striped"] if has[2] else []
        rows.append(f"{number:02}.png,{'|'.join(names)}")
    (root / "tags.csv").write_text("\n".join(["path,tags", *rows]) + "\n")
    return root / "tags.csv"


def flags(small: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**small, "task": "multilabel", "data.label_column": "tags", "say": lambda _: None, **more}


def solved(small: dict[str, Any], **more: Any) -> dict[str, Any]:
    kept = {name: small[name] for name in small if name.startswith(("hardware.workers", "hardware.threads"))}
    backbone = {"backbone": "visionft_pico", "weights": "auto", "preprocess.size": 32, "method": "head"}
    return flags({**kept, "hardware.device": "cpu"}, **backbone, **more)


def test_a_run_learns_labels_by_epochs(tagged: Path, small: dict[str, Any], tmp_path: Path) -> None:
    more = {"augment.strength": "none", "optim.class_weights": "balanced"}
    run = vft.fit(tagged, **flags(small, epochs=6, out=tmp_path / "run", **more))
    val = run.result["val"]
    assert val["map"] > 0.85
    assert val["n"] > 5
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    kept = next(row for row in rows if int(row["epoch"]) == run.result["kept_epoch"])
    assert float(kept["val_map"]) == max(float(row["val_map"]) for row in rows)
    assert float(kept["val_map"]) == pytest.approx(val["map"], abs=0.02)
    thresholds = json.loads((run.path / layout.CALIBRATION).read_text())["thresholds"]
    assert list(thresholds) == ["bright", "red", "striped"]
    assert [row["threshold"] for row in val["labels"]] == list(thresholds.values())
    assert run.answering().thresholds.tolist() == pytest.approx(list(thresholds.values()))  # type: ignore[attr-defined]
    assert {file.name for file in (run.path / "evaluation" / "test").iterdir()} == {
        "labels.csv", "metrics.json", "predictions.csv", "predictions.parquet",
    }  # fmt: skip
    assert "3 labels, validation mAP" in str(run)
    assert (run.summary()["val_map"], "val_top1" in run.summary()) == (val["map"], False)


def test_a_solved_head_answers_what_is_in_the_photo(tagged: Path, small: dict[str, Any], tmp_path: Path) -> None:
    run = vft.fit(tagged, **solved(small, out=tmp_path / "run"))
    assert run.result["val"]["map"] > 0.97
    random = np.random.default_rng(7)
    asked = [render(True, True, False, random), render(False, False, True, random), render(False, False, False, random)]
    found = vft.predict(run, asked)
    assert [set(row.labels) for row in found] == [{"red", "bright"}, {"striped"}, set()]
    told = vft.evaluate(run, split="validation")
    assert told.metrics.map == pytest.approx(run.result["val"]["map"])
    assert told.predictions.column_names == ["path", "truth", "labels", "wrong"]
    assert any("?striped" in text for text in vft.evaluate(run, data=tagged).predictions["truth"].to_pylist())


@pytest.mark.slow
def test_a_stopped_run_ends_as_one_that_was_not(tagged: Path, small: dict[str, Any], tmp_path: Path) -> None:
    wanted = flags(small, epochs=3, loss="asl", seed=3, **{"augment.mixup": 0.2, "augment.cutmix": 0.5})
    whole = vft.fit(tagged, **wanted, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        vft.fit(tagged, **wanted, out=tmp_path / "stopped", listeners=[StopAfter(13)])
    so_far = vft.Run.open(tmp_path / "stopped", unfinished=True)
    assert so_far.answering().thresholds.tolist() == [0.5] * 3  # type: ignore[attr-defined]
    assert vft.predict(so_far, tagged.parent / "00.png")[0].problem is None
    with pytest.raises(RunMismatchError, match="loss was asl, is bce"):
        vft.fit(tagged, **{**wanted, "loss": "bce"}, out=tmp_path / "stopped")
    stopped = vft.fit(tagged, **wanted, out=tmp_path / "stopped")
    assert stopped.weights_sha256 == whole.weights_sha256


def test_photos_in_memory_have_labels_too(tagged: Path, small: dict[str, Any], tmp_path: Path) -> None:
    with tagged.open() as file:
        rows = list(csv.DictReader(file))
    table = {"path": [tagged.parent / row["path"] for row in rows], "tags": [row["tags"] or None for row in rows]}
    run = vft.fit(table, **solved(small, out=tmp_path / "run"))
    assert len(run.manifest()) == 90
    assert run.result["val"]["map"] > 0.97


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"head": "cosine"}, "--head: the task multilabel has no cosine; give one of linear and mlp"),
        ({"loss": "l1"}, "--loss: the task multilabel has no l1; give one of bce and asl"),
        ({"optim.label_smoothing": 0.2}, "--optim.label-smoothing: 0.2 has no effect, as the task multilabel has no"),
        ({"from_run": "runs/a"}, "--from: runs/a has no effect, as the task multilabel has no way to go on"),
        ({"distill": "runs/a"}, "--distill: runs/a has no effect, as the task multilabel has no way to learn"),
        ({"loss": "asl", "method": "head"}, "--loss: asl has no effect"),
    ],
)
def test_a_setting_that_means_nothing_here_is_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build("photos.csv", task="multilabel", **given)


def test_what_has_no_part_in_labels_is_refused_first(tagged: Path, small: dict[str, Any], tmp_path: Path) -> None:
    run = vft.fit(tagged, **solved(small, out=tmp_path / "run"))
    for verb, words in (
        (
            lambda: vft.blend(run),
            "blend, asked for of the run .* has no part in the task multilabel, which answers with",
        ),
        (lambda: vft.export(run, precision="int8"), "--precision int8 has no part in the task multilabel"),
        (lambda: vft.export(run, target="onnxruntime==1.17.3"), "--target onnxruntime==1.17.3 has no part"),
        (lambda: vft.export(run, accept=None), "--accept none has no part in the task multilabel"),
        (lambda: vft.export(adapters=[run], out=tmp_path / "b"), "--adapters with the run .* has no part"),
        (lambda: vft.predict(run, tagged.parent, top=2), "top is 2, and a photo has every label"),
        (lambda: vft.advise(tagged, task="multilabel"), "advise, which .* has no part in the task multilabel"),
        (lambda: vft.report(run), "report, asked for of the run .* has no part"),
        (lambda: vft.evaluate(run, slice=["path"]), "--slice path has no part"),
        (lambda: vft.fit(tagged.parent, from_run=run.path, out=tmp_path / "c"), "--from .* has no part in the task"),
        (
            lambda: vft.fit(tagged.parent, distill=run.path, out=tmp_path / "c"),
            "--distill .* has no part in the task",
        ),
    ):
        with pytest.raises((UsageError, vft.VisionftError), match=words):
            verb()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(("one", "words"), [(False, "never chosen"), (True, "chosen by no threshold")])
def test_what_no_threshold_holds_is_told_with_what_becomes_of_it(one: bool, words: str) -> None:
    held = LabelThresholds({"dark": 0.7, "red": NEVER}, at_least_one=one, target=0.9, bounds={"dark": 0.91})
    (told,) = LEARNING.fitted(Final(None, None, held))
    assert f"; {words}, as too few validation photos show it: red" in told
    assert told.endswith("; where none is, the most probable one is") == one
