"""Columns of a manifest by which figures are broken down."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.data.slice_columns import slice_columns
from visionft.errors import UsageError
from visionft.settings import DataSettings


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "shop.csv"
    file.write_text("path,label,supplier,size\na.jpg,hat,Acme,3\nb.jpg,hat,,4\n")
    return file


def test_values_come_by_path_and_a_photo_without_one_is_not_there(manifest: Path) -> None:
    found = slice_columns(manifest, ["supplier", "size"], DataSettings())
    assert found == {"supplier": {"a.jpg": "Acme"}, "size": {"a.jpg": "3", "b.jpg": "4"}}
    assert slice_columns(manifest, [], DataSettings()) == {}


def test_what_has_no_such_column_is_one_sentence(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no column 'suplier'; did you mean 'supplier'\?; give one of .*size"):
        slice_columns(manifest, ["suplier"], DataSettings())
    with pytest.raises(UsageError, match=r"is a folder, which has no columns such as size; give photos by a CSV or"):
        slice_columns(tmp_path, ["size"], DataSettings())
    manifest.unlink()
    with pytest.raises(UsageError, match=r"the manifest .*shop\.csv that named the photos is gone; bring it back"):
        slice_columns(manifest, ["size"], DataSettings())
