from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data import quick_audit
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def test_what_is_read_is_counted_and_told_without_opening_a_photo(bare: Tree) -> None:
    root = bare([f"{side}/{kind}/{i}.jpg" for side in ("Training", "dev") for kind in ("hat", "HAT") for i in range(4)])
    (root / "dev" / "hat" / ".DS_Store").write_bytes(b"x")
    found = quick_audit(root, DataSettings())
    assert found.counts == {"train": {"HAT": 4, "hat": 4}, "validation": {"HAT": 4, "hat": 4}}
    assert str(found).splitlines() == [
        "16 files of 2 classes; none was opened",
        "read as: class folders in splits, Training/ for train and dev/ for validation",
        "  class   train  validation",
        "  HAT         4           4",
        "  hat         4           4",
        "  in all      8           8",
        "1 entry in quarantine: 1 hidden file",
        "note: odd classes: 'HAT' and 'hat' differ in case, blanks or signs alone: if they are one class, give their "
        "folders the name 'hat' in every split",
    ]
    told = json.loads(json.dumps(found.to_json(), default=str))
    assert told["settings"] == {
        "data.inside": None, "data.layout": "splits", "data.depth": None, "data.group_by": "none",
    }  # fmt: skip
    assert told["quarantine"] == [{"path": "dev/hat/.DS_Store", "reason": "hidden file"}]


def test_products_and_sides_to_be_drawn_are_told(bare: Tree) -> None:
    found = quick_audit(
        bare(f"{kind}/{kind}-{i:02}/a.jpg" for kind in ("hat", "coat") for i in range(12)), DataSettings()
    )
    assert found.counts == {"photos": {"coat": 12, "hat": 12}}
    assert "24 products" in str(found).splitlines()


def test_a_manifest_is_audited_too(bare: Tree) -> None:
    root = bare(["a.jpg"])
    (root / "b.jpg").write_bytes(b"x")
    (root / "list.csv").write_text("path,label\na.jpg,shoe\nb.jpg,shoes\n")
    found = quick_audit(root / "list.csv", DataSettings())
    assert found.to_json()["read_as"] == "a manifest"
    assert "'shoe' and 'shoes' are singular and plural: if they are one class, give them the label 'shoes'" in str(
        found
    )


def test_what_fit_would_refuse_is_refused_after_the_picture(bare: Tree) -> None:
    found = quick_audit(bare(["hat/a.jpg", "hat/b.jpg"]), DataSettings())
    with pytest.raises(DataError, match="has photos of only one class, 'hat'"):
        found.require_fit(DataSettings())


def test_files_of_a_manifest_that_are_not_there_are_counted_and_named(bare: Tree) -> None:
    root = bare(["a.jpg", "c.jpg"])
    (root / "list.csv").write_text("path,label\na.jpg,hat\nb.jpg,hat\nc.jpg,cap\nd.jpg,tie\n")
    found = quick_audit(root / "list.csv", DataSettings())
    assert found.counts == {"photos": {"cap": 1, "hat": 1}}
    lines = str(found).splitlines()
    assert lines[0].startswith("2 files of 2 classes; none was opened; ")
    assert "2 entries in quarantine: 2 no such file (b.jpg and d.jpg)" in lines
    assert "note: 1 class is left out, as no photo of 'tie' can be used: see the quarantine" in lines


def test_a_manifest_of_which_no_file_is_there_is_refused_as_fit_does(bare: Tree) -> None:
    root = bare(["a.jpg"])
    (root / "list.csv").write_text("path,label\nb.jpg,hat\nc.jpg,cap\n")
    words = r"none of the 2 photos of .*list.csv can be used; b.jpg is the first \(no such file\); did you mean a.jpg\?"
    with pytest.raises(DataError, match=words):
        quick_audit(root / "list.csv", DataSettings())


def test_a_photo_outside_the_class_folders_is_named(bare: Tree) -> None:
    found = quick_audit(bare(["hat/a.jpg", "cap/b.jpg", "loose.jpg", "readme.txt"]), DataSettings())
    assert "2 entries in quarantine: 2 not in a class folder (loose.jpg)" in str(found).splitlines()
