"""Several labels in a manifest: entries, counts and sides, and what cannot be learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visionft import data
from visionft.data import SPLITS
from visionft.errors import DataError
from visionft.settings import DataSettings

KINDS = ("disc", "square", "stripes")
PATHS = [f"{kind}/{number:02}.jpg" for kind in KINDS for number in range(20)]


def listed(shapes: Path, place: Path, labels: list[str], splits: list[str] | None = None) -> Path:
    given = [f",{split}" for split in splits] if splits else [""] * len(labels)
    rows = [f"{shapes}/{path},{label}{split}" for path, label, split in zip(PATHS, labels, given, strict=False)]
    place.write_text("\n".join([f"path,tags{',split' if splits else ''}", *rows]) + "\n")
    return place


def prepared(manifest: Path, **settings: float) -> data.Manifest:
    return data.prepare(manifest, DataSettings(label_column="tags", **settings), task="multilabel")


def tags() -> list[str]:
    random = np.random.default_rng(0)
    names = np.array(["even", "late", "worn"])
    chosen = random.random((60, 3)) < [0.5, 0.4, 0.2]
    marks = np.where(random.random((60, 3)) < [0, 0, 0.3], "?", "")
    return [
        "|".join(mark + name for name, mark, there in zip(names, marks[i], chosen[i], strict=True) if there or mark)
        for i in range(60)
    ]


def test_entries_are_one_nought_and_unknown_in_every_split(shapes: Path, tmp_path: Path) -> None:
    wanted = tags()
    manifest = prepared(listed(shapes, tmp_path / "a.csv", wanted))
    assert manifest.classes.names == ("even", "late", "worn")
    by_path = dict(zip(PATHS, wanted, strict=True))
    for split in SPLITS:
        rows = manifest.rows(split)
        assert (rows.labels.dtype, rows.labels.shape) == (np.int8, (len(rows), 3))
        for path, entries in zip(rows.paths, rows.labels, strict=True):
            text = by_path["/".join(Path(path).parts[-2:])].split("|")
            assert entries.tolist() == [-1 if f"?{n}" in text else int(n in text) for n in manifest.classes]
    assert sum(counts["photos"] for counts in manifest.counts().values()) == 60
    told = data.summary(manifest)
    assert told.startswith("60 photos of 3 labels: ")
    assert "labels a photo: " in told
    assert "of the entries are unknown" in told
    taken = manifest.rows("train").take(np.array([1, 0]))
    assert (taken.labels == manifest.rows("train").labels[[1, 0]]).all()


def test_sides_come_back_from_a_splits_file(shapes: Path, tmp_path: Path) -> None:
    place = listed(shapes, tmp_path / "a.csv", tags())
    first = prepared(place)
    first.write_splits(tmp_path / "splits.csv")
    again = data.prepare(place, DataSettings(label_column="tags", splits=tmp_path / "splits.csv"), task="multilabel")
    assert again.fingerprint == first.fingerprint
    assert data.read_splits(tmp_path / "splits.csv")["label"].to_pylist() == first.table["label"].to_pylist()


def test_a_measured_manifest_may_lack_labels_and_name_no_new_one(shapes: Path, tmp_path: Path) -> None:
    classes = prepared(listed(shapes, tmp_path / "a.csv", tags())).classes
    other = listed(shapes, tmp_path / "b.csv", ["even", "", "?late"])
    found = data.label_photos(other, classes, DataSettings(label_column="tags"), task="multilabel")
    assert found.rows("test").labels.tolist() == [[1, 0, 0], [0, 0, 0], [0, -1, 0]]
    with pytest.raises(DataError, match=r"has the class 'evn', unknown to the run with its 3 classes.*'even'"):
        data.label_photos(
            listed(shapes, tmp_path / "c.csv", ["evn"]), classes, DataSettings(label_column="tags"), task="multilabel"
        )


def test_a_gap_is_said_aloud(shapes: Path, tmp_path: Path) -> None:
    labels = ["all|a", "all"] * 30
    notes = "\n".join(prepared(listed(shapes, tmp_path / "a.csv", labels)).notes)
    assert "train has no photos both with and without 1 of the 2 labels (all): learns nothing of them from" in notes
    assert "validation has no photos both with and without 1 of the 2 labels (all): its figures leave them out" in notes


@pytest.mark.parametrize(
    ("labels", "splits", "words"),
    [
        ([""] * 60, None, "gives no photo a label: name the column of labels with --data.label-column"),
        (["?a"] * 60, None, "gives no photo a label"),
        (
            ["a", ""] * 20 + ["b"] * 20,
            ["train", "validation"] * 20 + ["test"] * 20,
            "the label 'b', and no photo in train",
        ),
        (["a"] * 60, ["train", "validation"] * 30, "no label that some validation photos are known to have and others"),
        (["a\x1b[2J"] * 60, None, "control"),
    ],
)
def test_what_cannot_be_learnt_is_one_sentence(
    shapes: Path, tmp_path: Path, labels: list[str], splits: list[str] | None, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        prepared(listed(shapes, tmp_path / "a.csv", labels, splits))


def test_a_folder_has_one_class_a_photo(shapes: Path) -> None:
    with pytest.raises(DataError, match="is a folder, and the task multilabel learns several labels for each photo"):
        prepared(shapes)
