from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from visionft.classes import Classes
from visionft.data import Manifest, prepare, read_splits
from visionft.data.manifest import SCHEMA
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def manifest(**changes: list[str | None]) -> Manifest:
    columns: dict[str, Sequence[str | int | None]] = {
        "path": ["a, b.jpg", 'c"d.jpg', "e\nf.jpg"],
        "label": ["NA", "hat", "hat"],
        "split": ["train", "validation", "train"],
        "group": [None, "S1", None],
        "digest": ["00", "11", "22"],
        "bytes": [1, 2, 3],
        **changes,
    }
    return Manifest(Path("photos"), pa.table(columns, schema=SCHEMA), Classes.of(["NA", "cap", "hat"]))


def test_rows_have_class_indices_whatever_the_split_lacks() -> None:
    rows = manifest().rows("validation")
    assert (list(rows.paths), rows.labels.tolist(), list(rows.digests)) == (['c"d.jpg'], [2], ["11"])
    assert rows.labels.dtype == np.int64
    assert len(manifest().rows("test")) == 0
    with pytest.raises(ValueError, match=r"no split is called 'val'"):
        manifest().rows("val")


def test_rows_can_be_taken_by_index() -> None:
    rows = manifest().rows("train").take(np.array([1, 0]))
    assert (list(rows.paths), rows.labels.tolist()) == (["e\nf.jpg", "a, b.jpg"], [2, 0])
    assert list(rows.paths[1:]) == ["a, b.jpg"]


def test_counts_hold_every_split_and_class() -> None:
    assert manifest().counts() == {
        "train": {"NA": 1, "cap": 0, "hat": 1},
        "validation": {"NA": 0, "cap": 0, "hat": 1},
        "test": {"NA": 0, "cap": 0, "hat": 0},
    }


def test_splits_csv_is_read_back_as_written(tmp_path: Path) -> None:
    manifest().write_splits(tmp_path / "splits.csv")
    assert read_splits(tmp_path / "splits.csv").equals(manifest().table)


@pytest.mark.parametrize(
    "changes",
    [
        {"path": ["a", "b", "c"]},
        {"label": ["cap", "hat", "hat"]},
        {"split": ["train", "train", "validation"]},
        {"group": [None, "S2", None]},
        {"digest": ["00", "11", "23"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_fingerprint_changes_with_each_column(changes: dict[str, list[str | None]]) -> None:
    assert manifest(**changes).fingerprint != manifest().fingerprint


def test_the_fingerprint_does_not_change_with_the_order_or_the_chunks() -> None:
    one = manifest()
    chunks = pa.concat_tables([one.table.slice(2), one.table.slice(0, 2)])
    assert Manifest(Path("elsewhere"), chunks, one.classes).fingerprint == one.fingerprint


def test_a_manifest_read_back_is_the_manifest_prepared(two_classes: Path, tmp_path: Path) -> None:
    first = prepare(two_classes, DataSettings())
    first.write_splits(tmp_path / "splits.csv")
    again = Manifest(two_classes, read_splits(tmp_path / "splits.csv"), first.classes)
    assert again.fingerprint == first.fingerprint
    assert list(again.rows("train").paths) == list(first.rows("train").paths)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "cannot be read as a splits.csv"),
        ("path,label,split,group,digest,bytes\na,hat,dev,,00,1\n", "names the split 'dev'"),
        ("path,label,split,group,digest,bytes\na,,train,,00,1\n", "has rows without a path, label or digest"),
    ],
)
def test_what_is_no_splits_csv_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_splits(tmp_path / "splits.csv")
    with pytest.raises(DataError, match=r"cannot be read as a splits.csv"):
        read_splits(tmp_path / "none.csv")
