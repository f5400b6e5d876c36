"""Which files are manifests, by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.files.manifest_names import is_manifest


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a.csv", True), ("a.TSV", True), ("a/b.txt", True), ("a.parquet", True), ("a.pq", True),
        ("a.jpg", False), ("csv", False), ("a.csv/photos", False), ("a.csv.gz", False), ("", False),
    ],
)  # fmt: skip
def test_the_ending_decides(name: str, is_one: bool) -> None:
    assert is_manifest(Path(name)) is is_one
