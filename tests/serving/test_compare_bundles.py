"""Two bundles on the same photos."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
from onnx import numpy_helper
from PIL import Image

from tests.bundle.making import CLASSES, colour_model, make_adapted_bundle, make_bundle
from visionft.bundle import Bundle
from visionft.bundle.load import digest_of
from visionft.classes import Classes
from visionft.errors import BundleError, DataError, UsageError
from visionft.photos import read
from visionft.serving import Session, compare
from visionft.serving.prediction_changes import COLUMNS, Side

COLOURS = {"red/Äpfel": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}
# Blue, green and red are the mean channels in reversed order; each row of the matrix is one channel.
SWAPPED = np.eye(3, dtype=np.float32)[:, [1, 0, 2]][::-1].copy() / 16
"""Exchanges the first two classes: what is blue is called green, and what is green blue."""


def other_bundle(
    folder: Path,
    classes: Sequence[str] = CLASSES.names,
    weight: np.ndarray | None = None,
    threshold: float | None = None,
) -> Path:
    """Write a bundle with other classes, another matrix or a threshold on the largest logit."""
    names = Classes.of(classes)
    make_bundle(folder)
    model = colour_model(names)
    values = {"weight": weight, "threshold": None if threshold is None else np.float32(threshold)}
    for item in model.graph.initializer:
        if (value := values.get(item.name)) is not None:
            item.CopyFrom(numpy_helper.from_array(np.asarray(value), item.name))
    file = folder / "model.onnx"
    onnx.save(model, file)
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    record |= {"classes": names.names, "classes_hash": names.hash, "threshold": threshold}
    record["model"] |= {"bytes": file.stat().st_size, "sha256": digest_of(file)}
    (folder / "bundle.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "before")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return four photos of each colour in folders of classes, one of them in a product's folder."""
    for label, colour in COLOURS.items():
        for i in range(4):
            place = tmp_path / "photos" / label / ("product" if i == 3 else "")
            place.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (5 + i, 7), colour).save(place / f"{i}.png")
    return tmp_path / "photos"


def test_a_bundle_beside_itself_changes_nothing(bundle: Path, photos: Path) -> None:
    found = compare(bundle, Session(bundle), photos)

    assert (len(found.rows), found.changes, found.pairs()) == (12, (), [])
    assert {row.move for row in found.rows} == {0.0}
    assert (found.gone, found.new, found.quarantine) == ((), (), ())
    assert found.turns == {"right": 12}
    assert str(found).splitlines()[0] == "12 photos: 12 keep their answer, 0 (0.0%) change it"


def test_what_one_order_loses_the_other_gains(tmp_path: Path, bundle: Path, photos: Path) -> None:
    other = other_bundle(tmp_path / "after", weight=SWAPPED)
    there, back = compare(bundle, other, photos), compare(other, bundle, photos)

    assert there.turns == {"right": 4, "right to wrong": 8}
    assert back.turns == {"right": 4, "wrong to right": 8}
    assert [row.move for row in there.rows] == [row.move for row in back.rows]
    assert there.interval is not None
    assert back.interval == pytest.approx([-end for end in reversed(there.interval)])


def test_changes_are_counted_by_pairs_of_classes(tmp_path: Path, bundle: Path, photos: Path) -> None:
    found = compare(bundle, other_bundle(tmp_path / "after", weight=SWAPPED), photos)

    assert [
        (pair.before, pair.after, pair.photos, pair.right_to_wrong, pair.wrong_to_right) for pair in found.pairs()
    ] == [
        ("blue", "green", 4, 4, 0),
        ("green", "blue", 4, 4, 0),
    ]
    assert len(found.changes) == 8
    assert all(row.relabelled and row.turn == "right to wrong" for row in found.changes)
    assert found.moves()[0].move == max(row.move for row in found.rows)
    told = str(found).splitlines()
    assert "of 12 photos in class folders 8 turn from right to wrong, 0 from wrong to right" in told
    assert "blue    green       4               4               0" in told


def test_the_move_is_the_probability_that_changed_classes(tmp_path: Path, bundle: Path, photos: Path) -> None:
    other = other_bundle(tmp_path / "after", weight=SWAPPED)
    file = photos / "green" / "0.png"
    (row,) = compare(bundle, other, file).rows
    before, after = (Session(place).answer(np.asarray(Image.open(file))) for place in (bundle, other))

    assert row.move == pytest.approx(np.abs(before.probabilities - after.probabilities).sum() / 2, abs=1e-6)
    assert row.before == Side("green", before.probability, False)
    assert row.after == Side("blue", after.probability, False)


def test_classes_are_matched_by_name_and_gone_and_new_ones_are_named(
    tmp_path: Path, bundle: Path, photos: Path
) -> None:
    other = other_bundle(tmp_path / "after", classes=("blue", "emerald", "red/Äpfel"))
    found = compare(bundle, other, photos)

    assert (found.gone, found.new) == (("green",), ("emerald",))
    assert {(row.before.label, row.after.label) for row in found.changes} == {("green", "emerald")}
    assert found.turns == {"right": 8, "right to wrong": 4}
    # Of every other photo's probability the gone class held some, which can only be elsewhere now.
    assert all(0 < row.move < 0.5 for row in found.rows if not row.changed)
    told = str(found).splitlines()
    assert "gone after: green (4 photos were answered so; 4 lie in such folders and can only be wrong)" in told
    assert "new after: emerald (4 photos are answered so)" in told


def test_a_photo_that_becomes_unknown_changes_its_answer_and_not_its_label(
    tmp_path: Path, bundle: Path, photos: Path
) -> None:
    strict = other_bundle(tmp_path / "after", threshold=1e3)
    there, back = compare(bundle, strict, photos), compare(strict, bundle, photos)

    assert (len(there.changes), there.pairs()) == (12, [])
    assert there.turns == {"right": 12}
    assert (there.to_json()["became_unknown"], there.to_json()["became_known"]) == (12, 0)
    assert (back.to_json()["became_unknown"], back.to_json()["became_known"]) == (0, 12)
    assert "  0 get another label, 12 become unknown, 0 become known" in str(there).splitlines()


def test_truth_comes_from_the_longest_folder_that_is_a_class(tmp_path: Path, bundle: Path) -> None:
    picture = Image.new("RGB", (4, 4), COLOURS["green"])
    truths = {
        "a.png": None,
        "green/a.png": "green",
        "green/product/front/a.png": "green",
        "Test/red/Äpfel/a.png": "red/Äpfel",
        "red/a.png": None,
        "elsewhere/green/a.png": None,
        "mauve/a.png": "mauve",
    }
    for name in truths:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "photos" / name)
    other = other_bundle(tmp_path / "after", classes=("blue", "green", "mauve"))
    found = compare(bundle, other, tmp_path / "photos")

    assert {Path(row.path).relative_to(tmp_path / "photos").as_posix(): row.truth for row in found.rows} == truths
    assert found.labelled == 4


def test_without_class_folders_nothing_is_said_of_right_and_wrong(tmp_path: Path, bundle: Path, photos: Path) -> None:
    other = other_bundle(tmp_path / "after", weight=SWAPPED)
    found = compare(bundle, other, str(photos / "green" / "*.png"))

    assert (len(found.rows), found.labelled, found.interval) == (3, 0, None)
    assert "no folder is named like a class, so nobody knows which answers are right" in str(found)
    assert found.to_json()["top1_before"] is None


def test_what_is_no_photo_is_set_aside(tmp_path: Path, bundle: Path, photos: Path) -> None:
    (photos / "green" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    seen: list[tuple[int, int]] = []
    found = compare(bundle, bundle, photos, on_progress=lambda *counts: seen.append(counts))

    assert [Path(item.path).name for item in found.quarantine] == ["broken.jpg"]
    assert str(found).startswith("12 photos, 1 of 13 not read: 12 keep")
    assert seen == [(done, 13) for done in range(1, 14)]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_file_holds_the_changes_the_furthest_moved_first(
    tmp_path: Path, bundle: Path, photos: Path, ending: str
) -> None:
    found = compare(bundle, other_bundle(tmp_path / "after", weight=SWAPPED), photos)
    file = found.write(tmp_path / "deep" / f"changes{ending}")
    text = file.read_text(encoding="utf-8") if ending != ".parquet" else ""
    rows = {
        ".csv": lambda: list(csv.DictReader(text.splitlines())),
        ".jsonl": lambda: [json.loads(line) for line in text.splitlines()],
        ".parquet": lambda: pq.read_table(file).to_pylist(),
    }[ending]()

    assert [row["path"] for row in rows] == [row.path for row in found.moves(12) if row.changed]
    assert tuple(rows[0]) == COLUMNS
    moves = [float(row["move"]) for row in rows]
    assert moves == sorted(moves, reverse=True)
    assert {row["turn"] for row in rows} == {"right to wrong"}


def test_a_file_without_changes_has_its_columns(tmp_path: Path, bundle: Path, photos: Path) -> None:
    found = compare(bundle, bundle, photos)

    assert found.write(tmp_path / "none.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"
    assert pq.read_table(found.write(tmp_path / "none.parquet")).column_names == list(COLUMNS)


def test_what_cannot_be_compared_is_said(tmp_path: Path, bundle: Path, photos: Path) -> None:
    with pytest.raises(DataError, match="holds or matches no photo"):
        compare(bundle, bundle, tmp_path / "none")
    with pytest.raises(BundleError, match="there is no bundle"):
        compare(bundle, tmp_path / "none", photos)
    with pytest.raises(
        UsageError, match=r"changes cannot be written to .*x.txt: give a name that ends in .csv, .jsonl"
    ):
        compare(bundle, bundle, photos).write(tmp_path / "x.txt")


def test_an_adapter_is_compared_with_a_bundle_and_with_itself(bundle: Path, photos: Path, tmp_path: Path) -> None:
    adapted = make_adapted_bundle(tmp_path / "adapted")
    name, *_ = Bundle.open(adapted).adapters

    assert not compare(adapted, adapted, photos, adapter=name).changes
    forth, back = (compare(*pair, photos, adapter=name) for pair in ((bundle, adapted), (adapted, bundle)))
    assert (forth.gone, forth.new) == (back.new, back.gone)
    session = Session(adapted)
    for row in forth.rows:
        assert row.after.label == session.answer(read(Path(row.path)), name).label


def test_an_adapter_that_is_missing_or_too_much_is_told(bundle: Path, photos: Path, tmp_path: Path) -> None:
    adapted = make_adapted_bundle(tmp_path / "adapted")
    for pair in ((adapted, bundle), (bundle, adapted)):
        with pytest.raises(UsageError, match=r"adapted answers through adapters and none was named: give one of"):
            compare(*pair, photos)
    with pytest.raises(UsageError, match=r"adapted has no adapter 'x': give one of"):
        compare(adapted, bundle, photos, adapter="x")
    with pytest.raises(UsageError, match=r"has no adapters and 'x' was asked for: leave it out"):
        compare(bundle, bundle, photos, adapter="x")
