"""A taxonomy is learnt by each way, from photos of any level; what it lacks is refused."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visionft as vft
from visionft.classes import Classes
from visionft.errors import DataError, SettingsError, UsageError
from visionft.runs import layout
from visionft.runs.learning import Outputs
from visionft.settings import build
from visionft.tasks.hierarchical.learning import LEARNING

NODES = ["round", "round/disc", "straight", "straight/square", "straight/stripes"]


def test_a_solved_head_knows_all_nodes(run: vft.Run) -> None:
    assert list(run.classes) == NODES
    assert run.result["val"]["n"] == 12
    assert [row["nodes"] for row in run.result["val"]["levels"]] == [2, 3]
    assert run.result["val"]["levels"][0]["accuracy"] >= run.result["val"]["levels"][1]["accuracy"] > 0.5
    assert (run.path / layout.REPORT).read_text().count("distance in the tree") == 1
    told = json.loads((run.path / layout.CALIBRATION).read_text())
    assert told["min_confidence"] == run.answering().min_confidence
    assert {file.name for file in (run.path / "evaluation" / "test").iterdir()} >= {
        "confusion.csv", "levels.csv", "metrics.json", "predictions.csv", "report.html",
    }  # fmt: skip
    assert "5 nodes of a taxonomy, validation top-1" in str(run)


def test_an_evaluation_tells_each_photo_at_its_own_level(run: vft.Run) -> None:
    table = vft.evaluate(run, split="train").predictions
    coarse = [row for row in table.to_pylist() if row["truth"] == "straight"]
    assert len(coarse) == 10
    assert {row["label"] for row in coarse} <= {"round", "straight"}
    assert all(row["correct"] == (row["distance"] == 0) for row in table.to_pylist())


def test_photos_labelled_by_the_last_level_are_found(run: vft.Run, shapes: Path, tmp_path: Path) -> None:
    rows = [f"{shapes / 'disc' / '19.jpg'},disc", f"{shapes / 'square' / '19.jpg'},straight"]
    (tmp_path / "few.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    found = vft.evaluate(run, data=tmp_path / "few.csv")
    assert found.predictions["truth"].to_pylist() == ["round/disc", "straight"]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["marginal", "hxe"])
def test_epochs_learn_from_photos_of_every_level(
    loss: str, nested: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    wanted = {**small, "task": "hierarchical", "loss": loss, "epochs": 4, "augment.mixup": 0.2, "say": lambda _: None}
    run = vft.fit(nested, out=tmp_path / "run", **wanted)
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    kept = next(row for row in rows if int(row["epoch"]) == run.result["kept_epoch"])
    assert float(kept["val_top1"]) == max(float(row["val_top1"]) for row in rows)
    assert float(kept["val_top1"]) == pytest.approx(run.result["val"]["top1"])


@pytest.mark.slow
def test_a_run_goes_on_with_a_grown_taxonomy(
    run: vft.Run, nested: Path, shapes: Path, solved: dict[str, Any], tmp_path: Path
) -> None:
    said = list[str]()
    text = nested.read_text().replace("round/disc", "curved/disc")
    (tmp_path / "grown.csv").write_text(text)
    kept = {name: value for name, value in solved.items() if name not in ("backbone", "weights", "preprocess.size")}
    wanted = {**kept, "from_run": run.path, "say": said.append, "classes.rename": {"round/disc": "curved/disc"}}
    second = vft.fit(tmp_path / "grown.csv", out=tmp_path / "second", **wanted)
    assert list(second.classes)[:2] == ["curved", "curved/disc"]
    assert any(line.startswith("classes: 3 kept, 1 of them renamed") for line in said)
    compared = json.loads((second.path / "evaluation" / "before_after.json").read_text())
    assert compared["before"] == pytest.approx(compared["after"], abs=0.34), "both answer nodes, and not places of rows"


@pytest.mark.slow
def test_a_csv_of_child_and_parent_makes_the_tree(shapes: Path, solved: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text("child,parent\ndisc,round\nsquare,straight\nstripes,straight\n")
    run = vft.fit(shapes, out=tmp_path / "run", **solved, **{"data.taxonomy": tmp_path / "tree.csv"})
    assert list(run.classes) == NODES
    with pytest.raises(DataError, match=r"has 3 classes side by side .*--data\.taxonomy"):
        vft.fit(shapes, out=tmp_path / "other", **solved)


@pytest.mark.parametrize(
    ("leaves", "sharpness", "words"),
    [
        (49, 9.0, "temperature 1: 49 validation photos that are labelled as leaves are too few to fit one, 50"),
        (400, 1.0, "temperature 1: on the 400 validation photos that are labelled as leaves no other gains more than"),
        (400, 9.0, r"temperature \d.*, fitted to the 400 validation photos that are labelled as leaves"),
    ],
)
def test_a_temperature_is_told_with_the_photos_it_was_fitted_to(leaves: int, sharpness: float, words: str) -> None:
    classes, random = Classes.of(NODES), np.random.default_rng(1)
    places = random.integers(0, 3, leaves)
    logits = np.log(random.dirichlet(np.ones(3), leaves + 60))
    places = np.array([random.choice(3, p=np.exp(row)) for row in logits[:leaves]])
    labels = np.r_[np.array([1, 3, 4])[places], np.full(60, 2)]
    found = Outputs((sharpness * logits).astype(np.float32), np.zeros((leaves + 60, 2), np.float32), labels)
    final = LEARNING.final(found, found, np.ones(leaves + 60, bool), classes, build("x.csv", task="hierarchical"))
    (said,) = LEARNING.fitted(final)
    assert re.match(f"calibration: {words}", said)


def test_new_leaves_have_rows_of_their_own() -> None:
    assert LEARNING.rows(Classes.of(NODES)).names == ("round/disc", "straight/square", "straight/stripes")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "l1"}, "--loss: the task hierarchical has no l1; give one of marginal and hxe"),
        ({"optim.label_smoothing": 0.2}, "--optim.label-smoothing: 0.2 has no effect, as the task hierarchical has no"),
        (
            {"optim.class_weights": "balanced"},
            "--optim.class-weights: balanced has no effect, as the task hierarchical",
        ),
    ],
)
def test_a_setting_that_means_nothing_here_is_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build("photos.csv", task="hierarchical", **given)


def test_what_has_no_part_here_is_refused_first(run: vft.Run, nested: Path) -> None:
    for verb, words in (
        (lambda: vft.blend(run), "blend, asked for of the run .* has no part in the task hierarchical"),
        (lambda: vft.advise(nested, task="hierarchical"), "advise, which .* has no part in the task hierarchical"),
        (lambda: vft.export(run, precision="int8"), "--precision int8 has no part in the task hierarchical"),
        (lambda: vft.predict(run, nested.parent, top=2), "top is 2, and a photo has one answer"),
    ):
        with pytest.raises((UsageError, vft.VisionftError), match=words):
            verb()
    with pytest.raises(
        UsageError, match="learns along the taxonomy of its photos, which your own Trainer does not know"
    ):
        LEARNING.criterion(run.settings, None)


def test_the_figures_of_a_run_add_up(run: vft.Run) -> None:
    sure = run.result["val"]["sure"]
    assert sum(sure["by_depth"]) == run.result["val"]["n"]
    assert sure["answered"] == pytest.approx(1 - sure["by_depth"][0] / run.result["val"]["n"])
    assert np.sum(run.result["val"]["confusion"]) == run.result["val"]["n"]
