"""Embeddings are learnt by every loss and method; a run goes on where it was stopped; what it lacks is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import visionft as vft
from visionft.errors import DataError, MissingExtraError, SettingsError, UsageError
from visionft.planning import whole_batches
from visionft.runs import layout
from visionft.settings import build
from visionft.tasks import registry
from visionft.tasks.retrieval.learning import LEARNING
from visionft.training import Listener, TrainState

PICO = {"backbone": "visionft_pico", "weights": "auto"}


class StopAfter(Listener):
    """Ends the training as ^C does."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def stepped(self, state: TrainState, photos: int) -> None:
        if state.step == self.steps:
            raise KeyboardInterrupt


def flags(small: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**small, **PICO, "task": "retrieval", "embedding.size": 24, "say": lambda _: None, **more}


def solved(small: dict[str, Any], **more: Any) -> dict[str, Any]:
    kept = {name: small[name] for name in ("hardware.workers", "hardware.threads", "hardware.device")}
    return {
        **kept, **PICO, "preprocess.size": 32, "method": "head", "task": "retrieval", "embedding.size": 24,
        "say": lambda _: None, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    out = tmp_path_factory.mktemp("embeddings") / "run"
    return vft.fit(shapes, **flags(small, epochs=2, out=out))


def test_the_best_epoch_is_that_of_recall(run: vft.Run) -> None:
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    best = max(rows, key=lambda row: (float(row["val_recall1"]), -float(row["val_loss"])))
    assert int(best["epoch"]) == run.result["kept_epoch"]
    val = run.result["val"]
    assert float(best["val_recall1"]) == pytest.approx(val["recall1"], abs=0.11)
    assert 0 <= val["recall1"] <= val["recall5"] <= val["recall10"] <= 1
    assert set(val["intervals"]) >= {"recall1", "map", "product_recall1"}
    assert run.network().embedding_size == 24
    assert {file.name for file in (run.path / "evaluation" / "test").iterdir()} == {
        "metrics.json", "predictions.csv", "predictions.parquet", *layout.PAGE,
    }  # fmt: skip


def test_an_evaluation_names_the_nearest_photo(run: vft.Run) -> None:
    evaluation = vft.evaluate(run, split="train")
    table = evaluation.predictions
    further = [f"{name}_{place}" for place in range(2, 6) for name in ("nearest", "score")]
    assert table.column_names == ["path", "truth", "nearest", "label", "score", "rank", "correct", *further]
    assert all(a != b for a, b in zip(table["path"].to_pylist(), table["nearest"].to_pylist(), strict=True))
    right = np.mean(table["correct"].to_pylist())
    assert evaluation.metrics.recall1 == pytest.approx(right)
    assert evaluation.answers is not None
    assert np.linalg.norm(evaluation.answers, axis=1) == pytest.approx(1, abs=1e-5)
    wrong = evaluation.worst(3)
    assert "score" in wrong.columns
    assert f"recall@1   {right:.2%}" in str(evaluation)


def test_products_that_the_run_never_saw_are_measured_too(run: vft.Run, shapes: Path, tmp_path: Path) -> None:
    photos = sorted(shapes.rglob("*.jpg"))[:12]
    place = tmp_path / "new.csv"
    place.write_text("\n".join(["path,label", *(f"{p},new {i // 4}" for i, p in enumerate(photos[:-1]))]) + "\n")
    evaluation = vft.evaluate(run, data=place)
    assert (evaluation.metrics.products, evaluation.metrics.queries) == (3, 11)
    assert set(evaluation.predictions["truth"].to_pylist()) == {"new 0", "new 1", "new 2"}


def test_a_solved_projection_alone_finds_photos_of_a_class(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    run = vft.fit(shapes, **solved(small, out=tmp_path / "run"))
    assert run.result["kept_epoch"] == 0
    assert run.result["val"]["recall1"] > 0.6, "three classes: chance is a third"
    head = load_file(run.path / layout.WEIGHTS)["head.weight"]
    assert head.shape[0] == 24
    again = vft.fit(shapes, **solved(small, out=tmp_path / "again"))
    assert np.array_equal(load_file(again.path / layout.WEIGHTS)["head.weight"], head)


METHODS: list[dict[str, Any]] = [
    {"method": "head", "method.solver": "epochs", "loss": "supcon", "optim.micro_batch": "auto"},
    {"method": "gradual", "loss": "proxy_anchor", "optim.micro_batch": "auto", "augment.views": 1, "epochs": 2},
    {"method": "lora", "method.rank": 2, "loss": "arcface", "augment.mixup": 0.2},
    {"method": "full", "method.head_first": False, "loss": "arcface"},
]


@pytest.mark.slow
@pytest.mark.parametrize("more", METHODS, ids=lambda more: f"{more['method']}-{more['loss']}")
def test_every_method_goes_on_bit_for_bit_where_it_was_stopped(
    more: dict[str, Any], shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    given = {name: value for name, value in flags(small, **{"epochs": 2, **more}).items() if value != "auto"}
    whole = vft.fit(shapes, **given, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        vft.fit(shapes, **given, out=tmp_path / "run", listeners=[StopAfter(3)])
    resumed = vft.fit(shapes, **given, out=tmp_path / "run")
    a, b = (load_file(run.path / layout.WEIGHTS) for run in (whole, resumed))
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert whole.result["val"] == resumed.result["val"]


@pytest.mark.slow
def test_a_run_goes_on_from_another_with_new_products(
    run: vft.Run, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    photos = sorted(shapes.rglob("*.jpg"))
    place = tmp_path / "new.csv"
    place.write_text("\n".join(["path,label", *(f"{p},item {i // 10}" for i, p in enumerate(photos))]) + "\n")
    given = solved(small, out=tmp_path / "next", from_run=run.path)
    given = {name: value for name, value in given.items() if name not in ("backbone", "weights", "embedding.size")}
    found = vft.fit(place, **given)
    assert found.network().embedding_size == 24
    assert len(found.classes) == 6
    backbone = [name for name in load_file(run.path / layout.WEIGHTS) if name.startswith("backbone.")]
    a, b = (load_file(each.path / layout.WEIGHTS) for each in (run, found))
    assert all(np.array_equal(a[name], b[name]) for name in backbone)
    with pytest.raises(UsageError, match=r"--embedding.size is 32, and the run .* to go on from has 24; leave it out"):
        vft.fit(place, **{**given, "out": tmp_path / "other", "embedding.size": 32})
    plain = {name: value for name, value in given.items() if name != "task"}
    with pytest.raises(UsageError, match=r"is a run of the task retrieval, and --task is classification; give --task"):
        vft.fit(place, **{**plain, "out": tmp_path / "other"})
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_loss_of_the_callers_own_is_given_embeddings(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    asked: list[tuple[int, ...]] = []

    def nearer(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        asked.append(tuple(outputs.shape))
        return outputs.square().sum(1) + labels * 0

    run = vft.fit(shapes, **flags(small, out=tmp_path / "run"), loss=nearer)
    assert {shape[1] for shape in asked} == {24}
    assert run.result["val"]["recall1"] >= 0


def test_what_cannot_be_is_one_sentence(
    shapes: Path, small: dict[str, Any], run: vft.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="head: the task retrieval has no cosine; give one of linear"):
        build(shapes, task="retrieval", head="cosine")
    with pytest.raises(SettingsError, match=r"micro-batch: 4 is a part of a batch \(8\), and the loss supcon compares"):
        build(shapes, task="retrieval", loss="supcon", **{"optim.micro_batch": 4, "optim.batch_size": 8})
    with pytest.raises(SettingsError, match=r"the task retrieval has no classes to smooth"):
        build(shapes, task="retrieval", **{"optim.label_smoothing": 0.2})
    with pytest.raises(UsageError, match=r"--embedding.size is 4000, and the backbone's features are \d+ numbers"):
        vft.fit(shapes, **flags(small, out=tmp_path / "run") | {"embedding.size": 4000})
    for refused in (lambda: vft.blend(run), lambda: vft.export(run, precision="int8")):
        with pytest.raises(UsageError, match=r"has no part in the task retrieval, which answers with embeddings; "):
            refused()
    with pytest.raises(UsageError, match="is trained by its photos' products: use"):
        LEARNING.criterion(build(shapes, task="retrieval"), None)
    with pytest.raises(UsageError, match=r"the loss supcon compares the photos of a batch .* 2 processes"):
        whole_batches.require_whole_batches(build(shapes, task="retrieval", loss="supcon"), 2)
    whole_batches.require_whole_batches(build(shapes, task="retrieval"), 2)
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'needs pytorch-metric-learning to learn: pip install "visionft\[retr'):
        vft.fit(shapes, **flags(small, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_batches_that_are_compared_are_not_cut(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    given = flags(small, loss="supcon", out=tmp_path / "run")
    run = vft.fit(shapes, **{name: value for name, value in given.items() if name != "optim.micro_batch"})
    assert run.settings.optim.micro_batch == run.settings.optim.batch_size == 8
    sixteen = {"optim.batch_size": 16, "hardware.precision": "auto", "embedding.size": 24, "task": "retrieval"}
    plain = {name: value for name, value in {**small, **PICO, **sixteen}.items() if name != "optim.micro_batch"}
    for loss in ("arcface", "supcon"):  # what is remembered of the one is not taken for the other
        found = vft.fit(shapes, **plain, loss=loss, out=tmp_path / loss, say=lambda _: None)
    assert found.settings.optim.micro_batch == 16


def test_too_few_products_are_refused_before_anything_is_trained(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"--data\.split-by class holds whole ones out"):
        vft.fit(shapes, **flags(small, out=tmp_path / "run"), **{"data.split_by": "class"})


def test_a_figure_of_the_callers_own_has_no_interval(run: vft.Run) -> None:
    found = vft.evaluate(run, metrics={"length": lambda truth, answers: float(np.linalg.norm(answers, axis=1).mean())})
    assert found.own["length"].value == pytest.approx(1, abs=1e-5)
    assert found.own["length"].interval is None
    assert "find one another" in str(found)


def test_served_photos_are_compared_by_what_the_projection_gets(run: vft.Run, shapes: Path) -> None:
    found = vft.audit(shapes, against=run.path, out=None)
    assert found.verdict is not None
    assert found.facts["against"]["split"] == "test"


def test_a_run_goes_on_with_the_classes_that_were_held_out(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    photos = [(path, f"item {number // 5:02}") for number, path in enumerate(sorted(shapes.rglob("*.jpg")))]

    def listed(name: str, chosen: list[tuple[Path, str]]) -> Path:
        place = tmp_path / name
        place.write_text("".join(["path,label\n", *(f"{path},{label}\n" for path, label in chosen)]))
        return place

    shares = {"data.validation": 0.25, "data.test": 0.25}
    few = [photo for number, photo in enumerate(photos) if number % 5 < 3]
    given = solved(small, out=tmp_path / "run", **shares)
    first = vft.fit(listed("few.csv", few), **given, **{"data.split_by": "class"})
    second = vft.fit(listed("all.csv", photos), **{**given, "out": tmp_path / "next"}, from_run=first.path)
    third = vft.fit(listed("all.csv", photos), **{**given, "out": tmp_path / "last"}, from_run=second.path)
    before = first.manifest().counts()
    for run in (second, third):
        counts = run.manifest().counts()
        assert sum(sum(names.values()) for names in counts.values()) == 60
        for split, names in counts.items():
            assert {name for name, n in names.items() if n} == {name for name, n in before[split].items() if n}
        assert run.settings.data.split_by == "class", "what was done is written"
    choices = json.loads((third.path / "choices.json").read_text(encoding="utf-8"))
    assert "the earlier run held whole classes out" in json.dumps(choices)
    again = vft.fit(listed("all.csv", photos), **{**given, "out": tmp_path / "next"}, from_run=first.path)
    assert again.path == second.path, "the same call finds it finished"
