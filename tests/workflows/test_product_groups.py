"""One answer a product: by folder, column or names, in files, and what cannot be grouped."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from visionft.cli import main
from visionft.errors import UsageError
from visionft.metrics import softmax
from visionft.serving import Session

COLOURS = {"sku1": [(220, 20, 20), (180, 90, 60)], "sku2": [(20, 20, 220)]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    for product, colours in COLOURS.items():
        (tmp_path / "photos" / product).mkdir(parents=True)
        for number, colour in enumerate(colours):
            Image.new("RGB", (6, 5), colour).save(tmp_path / "photos" / product / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_product_s_answer_is_the_mean_of_its_photos_log_probabilities(place: Path) -> None:
    found = vft.predict("bundle", "photos", group_by="parent")
    assert [(row.path, row.photos, row.unread) for row in found] == [("photos/sku1", 2, 0), ("photos/sku2", 1, 0)]
    session = Session("bundle")
    pictures = [np.full((5, 6, 3), colour, np.uint8) for colour in COLOURS["sku1"]]
    alone = session.answer_batch(pictures)
    logits = np.mean([answer.logits for answer in alone], axis=0)
    temperature = session.bundle.record.temperature
    assert found[0].probabilities == pytest.approx(softmax(logits[None] / temperature)[0], abs=1e-6)
    assert found[0].known_score == pytest.approx(np.mean([answer.known_score for answer in alone]), abs=1e-5)
    assert found[0].unknown == (found[0].known_score < (session.bundle.record.threshold or -np.inf))
    (single,) = vft.predict("bundle", "photos/sku2")
    assert found[1].probability == single.probability
    assert "photos/sku1  " in str(found)
    assert "(2 photos)" in str(found)
    assert str(found).endswith("2 of 2 products answered; 3 photos answered")


def test_names_for_photos_in_memory(place: Path) -> None:
    pictures = [np.full((5, 6, 3), colour, np.uint8) for colours in COLOURS.values() for colour in colours]
    found = vft.predict("bundle", pictures, group_by=["x", "y", "x"])
    assert [(row.path, row.photos) for row in found] == [("x", 2), ("y", 1)]
    with pytest.raises(UsageError, match="group_by names the products of 2 photos, and there are 3: give a name for"):
        vft.predict("bundle", pictures, group_by=["x", "y"])
    with pytest.raises(UsageError, match="--group-by parent: a value of type ndarray lies in no folder; give paths"):
        vft.predict("bundle", pictures, group_by="parent")


def test_by_a_column_into_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["photos/sku1/0.png,p", "photos/sku2/0.png,q", "photos/sku1/1.png,p", "gone.png,q", "gone2.png,r"]
    (place / "list.csv").write_text("\n".join(["path,sku", *rows, "photos/sku2/0.png,q"]) + "\n")
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        argv = ["predict", "bundle", "list.csv", "--group-by", "sku", "--out", name, "--top", "2", "--json"]
        assert main(argv) == 1  # two photos that the table names are not there; the others are answered
        printed = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert printed["account"]["asked"] == 5
        assert [row["product"] for row in printed["predictions"]] == ["p", "q", "r"]
    with Path("out.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == [
        "product", "photos", "unread", "label", "class_index", "probability", "known_score", "unknown", "problem",
        "label_2", "probability_2",
    ]  # fmt: skip
    assert [(row["product"], row["photos"], row["unread"]) for row in found] == [
        ("p", "2", "0"), ("q", "1", "1"), ("r", "0", "1")
    ]  # fmt: skip
    assert found[2]["problem"] == "its one photo could not be read"
    table = pq.read_table("out.parquet")
    assert table["photos"].to_pylist() == [2, 1, 0]
    assert [json.loads(line)["product"] for line in Path("out.jsonl").read_text().splitlines()] == ["p", "q", "r"]


def test_what_cannot_be_grouped(place: Path) -> None:
    with pytest.raises(
        UsageError, match="--group-by sku is a column, and the photos are given by no manifest: give one"
    ):
        vft.predict("bundle", "photos", group_by="sku")
    with pytest.raises(
        UsageError, match="--group-by waits for all photos of a product, and the folder --out answers is"
    ):
        vft.predict("bundle", "photos", group_by="parent", out="answers")
    (place / "list.csv").write_text("path,sku\na.png,p\na.png,q\n")
    with pytest.raises(
        vft.VisionftError, match=r"gives a.png more than one sku \('p' and 'q'\): keep one row for each"
    ):
        vft.predict("bundle", "list.csv", group_by="sku")
    with pytest.raises(
        UsageError, match=r"--group-by: list.csv has no column 'skus'; did you mean 'sku'\?; give one of path and sku"
    ):
        vft.predict("bundle", "list.csv", group_by="skus")
