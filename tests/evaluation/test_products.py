"""Figures of products: which photos are one's, what is left out, what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from visionft.classes import Classes
from visionft.errors import DataError, UsageError
from visionft.evaluation.products import ProductFigures, product_figures
from visionft.metrics import Postprocess
from visionft.tasks.multilabel.label_thresholds import LabelThresholds

CLASSES = Classes(("a", "b"))


def figures(names: list[str], logits: list[list[float]], labels: list[int]) -> ProductFigures:
    paths = [f"{n}.jpg" for n in range(len(names))]
    outputs = np.array(logits, np.float32)
    return product_figures(names, paths, outputs, np.array(labels), CLASSES, Postprocess.plain(), "classification")


def test_a_product_is_answered_by_all_its_photos() -> None:
    found = figures(["x", "x", "x", ""], [[3, 0], [3, 0], [0, 4], [0, 1]], [0, 0, 0, 1])
    rows = found.table.to_pylist()
    assert [(row["product"], row["photos"], row["label"]) for row in rows] == [("x", 3, "a"), ("3.jpg", 1, "b")]
    assert rows[0]["probability"] == pytest.approx(1 / (1 + np.exp(-2 / 3)), abs=1e-6)
    assert (found.accuracy.by_product, found.accuracy.by_photo, found.alone) == (1.0, 0.75, 1)
    assert found.metrics.n == 2


def test_products_with_two_labels_are_left_out_aloud() -> None:
    found = figures(["x", "x", "y", "y"], [[3, 0]] * 4, [0, 1, 0, 0])
    assert (found.mixed, found.accuracy.photos) == (("x",), 2)
    assert "note: 1 product left out, whose photos have different labels: x" in found.lines()
    with pytest.raises(
        DataError, match="the photos of each of the 1 product, such as x, have different labels; name a"
    ):
        figures(["x", "x"], [[3, 0]] * 2, [0, 1])


def test_folders_of_classes_are_no_products_without_a_word() -> None:
    words = "note: each class has one product here"
    assert any(line.startswith(words) for line in figures(["a", "a", "b"], [[3, 0]] * 3, [0, 0, 1]).lines())
    assert not any(line.startswith(words) for line in figures(["a", "a", "c", "b"], [[3, 0]] * 4, [0, 0, 0, 1]).lines())
    assert not any(line.startswith(words) for line in figures(["a", "b"], [[3, 0]] * 2, [0, 1]).lines())


def test_label_sets_are_no_classes_of_one_product_each() -> None:
    names, outputs = ["x", "x", "y", "y"], np.array([[3, -3], [3, -3], [-3, 3], [-3, 3]], np.float32)
    rule = LabelThresholds.plain(CLASSES).answering()
    paths = [f"{n}.jpg" for n in range(4)]
    found = product_figures(
        names, paths, outputs, np.array([[1, 0], [1, 0], [0, 1], [0, 1]]), CLASSES, rule, "multilabel"
    )
    assert len(found.table["truth"].unique()) == found.accuracy.products == 2
    assert not any("each class has one product" in line for line in found.lines())


def test_a_product_may_be_called_like_a_photo_without_one() -> None:
    found = figures(["1.jpg", "", "1.jpg"], [[3, 0]] * 3, [0, 1, 0])
    assert found.accuracy.products == 2


@pytest.fixture
def table(shapes: Path, tmp_path: Path) -> Path:
    """Return a manifest with two photos a product."""
    rows = [(kind, number) for kind in ("disc", "square", "stripes") for number in range(8)]
    lines = [f"{shapes / kind / f'{number:02}.jpg'},{kind},{kind}-{number // 2}" for kind, number in rows]
    (tmp_path / "photos.csv").write_text("\n".join(["path,label,sku", *lines]) + "\n")
    return tmp_path / "photos.csv"


def test_evaluate_a_run_by_a_column(trained: Path, table: Path, tmp_path: Path) -> None:
    found = vft.evaluate(trained, data=table, group_by="sku", out=tmp_path / "out")
    assert found.products.accuracy.products == 12
    assert found.products.accuracy.by_photo == found.metrics.top1
    written = pyarrow.csv.read_csv(tmp_path / "out" / "products.csv")
    assert written.column_names == [
        "product", "photos", "truth", "label", "probability", "truth_probability", "correct"
    ]  # fmt: skip
    assert written["photos"].to_pylist() == [2] * 12
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())["products"]
    assert kept["by_product"] == np.mean(written["correct"].to_pylist())
    assert "products: top-1 " in str(found)
    assert " points by product (paired 95 % interval " in str(found)
    assert found.summary()["products"]["products"] == 12
    rows = vft.predict(trained, table, group_by="sku")
    assert {row.path: row.label for row in rows} == dict(
        zip(written["product"].to_pylist(), written["label"].to_pylist(), strict=True)
    )
    vft.evaluate(trained, data=table, out=tmp_path / "out")
    assert not (tmp_path / "out" / "products.csv").exists()  # what is there is of one evaluation
    (tmp_path / "out" / "products.csv").write_text("somebody's own")
    vft.evaluate(trained, data=table, out=tmp_path / "out")
    assert (tmp_path / "out" / "products.csv").read_text() == "somebody's own"


def test_evaluate_by_folder(trained: Path, tmp_path: Path) -> None:
    found = vft.evaluate(trained, group_by="parent", out=tmp_path / "figures")
    assert found.products.accuracy.products == 3  # a folder a class
    with (tmp_path / "figures" / "products.csv").open(newline="") as file:
        assert [row["product"] for row in csv.DictReader(file)] == ["disc", "square", "stripes"]


def test_what_has_no_such_column_is_said(trained: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match=r"--group-by: .*photos.csv has no column 'skus'; did you mean 'sku'\?; give one of path, label and sku",
    ):
        vft.evaluate(trained, data=table, group_by="skus")
    with pytest.raises(
        UsageError, match=r"--group-by: .* is a folder, which has no columns such as group; give photos"
    ):
        vft.evaluate(trained, group_by="group", out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"--group-by: .*photos.csv has no column 'sku2'"):
        vft.evaluate(make_bundle(tmp_path / "bundle"), data=table, group_by="sku2")
