"""Figures of held-out photos: of a run's split, another folder, a bundle; and nobody else reads the test split."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.bundle.making import make_bundle
from tests.resealing import reseal
from visionft import data, photos
from visionft.bundle import Bundle
from visionft.errors import DataError, UsageError
from visionft.evaluation import Evaluation, evaluate_bundle, evaluate_run, predict_run
from visionft.runs import Run
from visionft.serving import Session
from visionft.serving.streaming import BATCH
from visionft.settings import DataSettings, build
from visionft.training import train

NONE_THERE = (
    r"none of the \d+ test photos of the run is in .* as it was \(.*\.jpg first: no such file\): bring the photos "
    "back, or name the place that they moved to with --split test --data$"
)
FIELDS = ["path", "truth", "label", "probability", "truth_probability", "correct"]


@pytest.fixture
def others(shapes: Path, tmp_path: Path) -> Path:
    """Return another folder of photos: four discs and a square; no stripes."""
    for kind, number in (("disc", 0), ("disc", 1), ("disc", 2), ("disc", 3), ("square", 0)):
        target = tmp_path / "others" / kind / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shapes / kind / f"{number:02}.jpg", target)
    return tmp_path / "others"


def test_the_test_split_is_what_was_set_aside(run: Run, evaluation: Evaluation) -> None:
    rows = run.manifest().rows("test")
    assert evaluation.predictions["path"].to_pylist() == list(rows.paths)
    assert evaluation.predictions["truth"].to_pylist() == [run.classes.names[label] for label in rows.labels]
    assert (evaluation.split, evaluation.metrics.n) == ("test", len(rows))


def test_validation_equals_what_training_said_at_its_end(run: Run) -> None:
    figures = evaluate_run(run, None, "validation").metrics
    assert (figures.top1, figures.n) == (run.result["val"]["top1"], run.result["val"]["n"])
    assert figures.log_loss == pytest.approx(run.result["val"]["log_loss"], abs=1e-5)


def test_json_and_confusion_tell_what_they_are_of(run: Run, evaluation: Evaluation, tmp_path: Path) -> None:
    folder = evaluation.write(tmp_path)
    told = json.loads((folder / "metrics.json").read_text())
    assert (told["subject"], told["split"], told["top1"]) == (str(run.path), "test", evaluation.metrics.top1)
    header, *lines = csv.reader((folder / "confusion.csv").read_text().splitlines())
    assert header == ["truth", *run.classes]
    assert [[int(n) for n in line[1:]] for line in lines] == evaluation.metrics.confusion.tolist()


def test_another_folder_that_lacks_a_class_keeps_the_indices(run: Run, others: Path) -> None:
    found = evaluate_run(run, others)
    assert (found.split, found.metrics.n) == ("others", 5)
    assert found.metrics.classes == ("disc", "square", "stripes")
    assert found.metrics.confusion.sum(1).tolist() == [4, 1, 0]
    assert [row.support for row in found.metrics.per_class] == [4, 1, 0]
    assert set(found.predictions["truth"].to_pylist()) == {"disc", "square"}


def test_an_unknown_class_is_named_with_the_way_out(run: Run, others: Path) -> None:
    (others / "disc").rename(others / "discs")
    with pytest.raises(DataError, match=r"has the class 'discs', unknown to the run .*disc.*: rename the folder, or"):
        evaluate_run(run, others)


def test_quarantine_is_carried(run: Run, others: Path, tmp_path: Path) -> None:
    (others / "disc" / "broken.jpg").write_bytes(b"")
    found = evaluate_run(run, others)
    assert [(item.path, item.reason) for item in found.quarantine] == [("disc/broken.jpg", "empty file")]
    assert found.metrics.n == 5
    told = json.loads((found.write(tmp_path / "out") / "metrics.json").read_text())
    assert told["quarantine"] == [{"path": "disc/broken.jpg", "reason": "empty file"}]


def test_quarantine_of_the_run_s_own_photos_is_carried(trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((copy / "data.json").read_text())
    entry = {"path": "disc/broken.jpg", "reason": "empty file"}
    (copy / "data.json").write_text(json.dumps({**record, "quarantine": [entry]}))
    reseal(copy)
    assert [item.to_json() for item in evaluate_run(Run.open(copy), None, "test").quarantine] == [entry]


def test_an_unknown_split(run: Run) -> None:
    with pytest.raises(UsageError, match="there is no split called 'tset'; give train, validation, test, or another"):
        evaluate_run(run, None, "tset")


def test_an_empty_split(trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    splits = copy / "splits.csv"
    splits.write_text(splits.read_text().replace('"test"', '"train"'))
    reseal(copy)
    with pytest.raises(UsageError, match="has no photos in its test split; give another --split, or "):
        evaluate_run(Run.open(copy), None, "test")


def test_a_photo_that_is_gone_is_named(trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((copy / "data.json").read_text())
    (copy / "data.json").write_text(json.dumps({**record, "root": str(tmp_path)}))
    reseal(copy)
    with pytest.raises(DataError, match=NONE_THERE):
        evaluate_run(Run.open(copy), None, "test")


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Return a folder for the hand-made bundle, which tells mean colours apart; there is no red photo."""
    for name, colour in (("blue", (0, 0, 255)), ("green", (0, 255, 0))):
        for number in range(3):
            target = tmp_path / "colours" / name / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20 + number, 30), colour).save(target)
    Image.new("RGB", (9, 9), (0, 255, 0)).save(tmp_path / "colours" / "blue" / "wrong.png")
    (tmp_path / "colours" / "green" / "notes.txt").write_text("no photo")
    return tmp_path / "colours"


def test_a_bundle_on_a_folder(colours: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "bundle"))
    found = evaluate_bundle(bundle, colours)
    assert (found.subject, found.split) == (bundle.path, "colours")
    assert (found.metrics.n, found.metrics.top1) == (7, pytest.approx(6 / 7))
    assert found.metrics.confusion.tolist() == [[3, 1, 0], [0, 3, 0], [0, 0, 0]]
    assert [item.path for item in found.quarantine] == ["green/notes.txt"]


def test_a_bundle_is_evaluated_in_batches_as_photo_by_photo(colours: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(BATCH):
        pixels = random.integers(0, 256, (*random.integers(2, 30, 2), 3), np.uint8)
        Image.fromarray(pixels).save(colours / ("blue", "green")[number % 2] / f"noise-{number}.png")
    bundle = Bundle.open(make_bundle(tmp_path / "bundle"))
    found = evaluate_bundle(bundle, colours).predictions.to_pylist()
    session = Session(bundle)
    assert len(found) == 7 + BATCH
    for row in found:
        alone = session.answer(photos.read(colours / row["path"]))
        assert row["label"] == alone.label
        assert row["probability"] == pytest.approx(alone.probability, abs=1e-6)


def test_a_photo_that_goes_while_a_bundle_is_evaluated(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_photos = data.label_photos

    def labelled(*given: Any, **more: Any) -> Any:
        manifest = label_photos(*given, **more)
        (colours / "blue" / "0.png").unlink()
        return manifest

    monkeypatch.setattr(data, "label_photos", labelled)
    with pytest.raises(
        DataError, match=r"png could be read a moment ago and cannot any more \(no such file\); run the"
    ):
        evaluate_bundle(Bundle.open(make_bundle(tmp_path / "bundle")), colours)


def test_a_table_has_labels_and_no_folders_to_rename(run: Run, others: Path) -> None:
    table = others / "photos.csv"
    names = sorted(path.relative_to(others).as_posix() for path in others.glob("disc/*"))
    table.write_text(
        "path,label\n" + "".join(f"{name},{label}\n" for name, label in zip(names, "ab" * 9, strict=False))
    )
    words = r"has the classes 'a' and 'b', unknown to the run .*: mend the labels, or train a run that knows them with"
    with pytest.raises(DataError, match=words):
        evaluate_run(run, table)


def test_a_bundle_reads_product_folders_as_its_run_did(colours: Path, tmp_path: Path) -> None:
    for name in ("blue", "green"):
        (colours / name).rename(colours / "SKU1")
        (colours / name).mkdir()
        (colours / "SKU1").rename(colours / name / "SKU1")
    provenance = {"settings": {"data": {"depth": 1, "group_by": "parent"}}}
    found = evaluate_bundle(Bundle.open(make_bundle(tmp_path / "bundle", provenance=provenance)), colours)
    assert found.metrics.n == 7


def test_a_table_needs_no_products_to_be_measured_on(colours: Path, tmp_path: Path) -> None:
    table, settings = colours.parent / "photos.csv", {"data": {"group_by": "column"}}
    names = sorted(path.relative_to(table.parent).as_posix() for path in colours.glob("*/*"))
    table.write_text("path,label\n" + "".join(f"{name},{Path(name).parent.name}\n" for name in names))
    bundle = Bundle.open(make_bundle(tmp_path / "bundle", provenance={"settings": settings}))
    assert evaluate_bundle(bundle, table).account.asked == len(names)


def test_a_class_unknown_to_the_bundle(colours: Path, tmp_path: Path) -> None:
    (colours / "green").rename(colours / "violet")
    with pytest.raises(DataError, match="has the class 'violet', unknown to the run with its 3 classes"):
        evaluate_bundle(Bundle.open(make_bundle(tmp_path / "bundle")), colours)


def test_answers_equal_those_of_predict(run: Run, evaluation: Evaluation) -> None:
    root = run.manifest().root
    paths = evaluation.predictions["path"].to_pylist()
    answers = predict_run(run, [root / path for path in paths])
    assert [answer.label for answer in answers] == evaluation.predictions["label"].to_pylist()
    assert np.allclose(
        [answer.probability for answer in answers], evaluation.predictions["probability"].to_numpy(), atol=1e-5
    )


def test_training_reads_no_test_photo_after_the_scan(
    shapes: Path, tmp_path: Path, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test photos are taken away once the scan is over, and whoever opens a photo is recorded."""
    root = shutil.copytree(shapes, tmp_path / "shapes")
    flags = {**small, "out": tmp_path / "run"}
    opened: set[str] = set()
    scan, read = data.prepare, photos.read

    def scanning(*args: Any, **kwargs: Any) -> Any:
        manifest = scan(*args, **kwargs)
        for path in manifest.rows("test").paths:
            (root / path).unlink()
        return manifest

    def reading(path: Path, **kwargs: Any) -> Any:
        opened.add(Path(path).relative_to(root).as_posix())
        return read(path, **kwargs)

    monkeypatch.setattr(data, "prepare", scanning)
    monkeypatch.setattr(sys.modules["visionft.data.loading.dataloader"], "read", reading)
    run = train(build(root, None, **flags), lambda _: None)
    manifest = run.manifest()
    held_out = set(manifest.rows("test").paths)
    assert held_out
    assert opened == {*manifest.rows("train").paths, *manifest.rows("validation").paths}
    with pytest.raises(DataError, match=NONE_THERE):
        evaluate_run(run, None, "test")
    assert data.prepare is scanning
    assert scan(shapes, DataSettings()).fingerprint == run.fingerprint


def test_unbalanced_training_photos_part_the_accuracy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluate_run(run, None, "validation").shots == ()  # the shapes are as many of each
    counts = {"disc": 300, "square": 40, "stripes": 4}
    monkeypatch.setattr(Run, "train_counts", property(lambda _: counts))
    found = evaluate_run(run, None, "validation")
    recalls = {row.name: row.recall for row in found.metrics.per_class}
    assert {one.name: one.accuracy for one in found.shots} == {
        "head": recalls["disc"], "middle": recalls["square"], "tail": recalls["stripes"]
    }  # fmt: skip
    assert "accuracy by training photos of a class: head (1 class of 300) " in str(found)
    assert [one["name"] for one in found.to_json()["shots"]] == ["head", "middle", "tail"]
    assert found.summary()["shots"] == found.to_json()["shots"]
