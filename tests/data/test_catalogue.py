"""The photos of a catalogue: folders with classes and without, manifests with labels, without, and with gaps."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from visionft.data.catalogue import UNLABELLED, read_catalogue
from visionft.errors import DataError
from visionft.settings import DataSettings

READ = DataSettings()


def photos(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)
    return root


def test_folders_of_classes(tmp_path: Path) -> None:
    found = read_catalogue(photos(tmp_path / "p", "hat/a.png", "mug/b.png"), READ)
    assert list(found.rows()) == [("hat/a.png", "hat", None, None), ("mug/b.png", "mug", None, None)]
    assert dict(found.columns) == {}


def test_a_folder_of_photos_alone_has_no_labels(tmp_path: Path) -> None:
    root = photos(tmp_path / "p", "b.png", "a.png")
    (root / ".hidden").mkdir()
    found = read_catalogue(root, READ)
    assert list(found.rows()) == [("a.png", None, None, None), ("b.png", None, None, None)]
    assert found.listing.notes == (UNLABELLED,)


def test_a_setting_of_folders_asks_for_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lie in no class folder"):
        read_catalogue(photos(tmp_path / "p", "a.png"), READ.model_copy(update={"depth": 1}))


def test_split_folders_are_kept_together_with_their_split(tmp_path: Path) -> None:
    found = read_catalogue(photos(tmp_path / "p", "train/hat/a.png", "test/hat/b.png", "test/mug/c.png"), READ)
    assert [row[1:3] for row in found.rows()] == [("hat", "test"), ("mug", "test"), ("hat", "train")]


def test_a_manifest_brings_its_columns_and_rows_without_a_label(tmp_path: Path) -> None:
    root = photos(tmp_path, "a.png", "b.png")
    (root / "m.csv").write_text("path,label,colour,group,price\na.png,hat,red,s1,3\nb.png,,blue,,\n")
    found = read_catalogue(root / "m.csv", READ)
    assert list(found.rows()) == [("a.png", "hat", None, "s1"), ("b.png", None, None, None)]
    assert {name: dict(read()) for name, read in found.columns.items()} == {
        "colour": {"a.png": "red", "b.png": "blue"},
        "price": {"a.png": "3"},
    }
    assert found.quarantine == ()


def test_a_manifest_needs_no_label_column(tmp_path: Path) -> None:
    root = photos(tmp_path, "a.png")
    (root / "m.csv").write_text("path,sku\na.png,7\n")
    assert list(read_catalogue(root / "m.csv", READ).rows()) == [("a.png", None, None, None)]
    labelled = READ.model_copy(update={"label_column": "sku"})
    found = read_catalogue(root / "m.csv", labelled)
    assert list(found.rows()) == [("a.png", "7", None, None)]
    assert dict(found.columns) == {}


def test_a_manifest_that_contradicts_itself_or_has_no_paths_is_refused(tmp_path: Path) -> None:
    root = photos(tmp_path, "a.png")
    (root / "m.csv").write_text("path,label\na.png,hat\na.png,mug\n")
    with pytest.raises(DataError, match=r"gives a.png more than one label"):
        read_catalogue(root / "m.csv", READ)
    (root / "m.csv").write_text("file,label\na.png,hat\n")
    with pytest.raises(DataError, match="has no column 'path'"):
        read_catalogue(root / "m.csv", READ)
    with pytest.raises(DataError, match="there is no "):
        read_catalogue(root / "nowhere", READ)
