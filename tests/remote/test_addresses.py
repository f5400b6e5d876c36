"""What is an address, what an archive, and what a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.remote.addresses import address_of, archive_of, is_elsewhere, stem


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("s3://shop/a/b/", "s3://shop/a/b"),
        (Path("s3://shop/a/b"), "s3://shop/a/b"),
        ("S3://shop", "s3://shop"),
        ("hf://datasets/x/y", "hf://datasets/x/y"),
        ("photos", None),
        ("C:/photos", None),
        ("/data/photos", None),
        ("zip://photos.zip", None),
    ],
)
def test_addresses_are_told_from_paths(text: str | Path, wanted: str | None) -> None:
    found = address_of(text)
    assert (None if found is None else str(found)) == wanted


def test_other_schemes_and_archives_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="photos are not read from https://; give a folder"):
        address_of("https://example.org/photos")
    with pytest.raises(UsageError, match=r"there is no file nowhere\.zip; give the path of an archive"):
        is_elsewhere("zip://nowhere.zip")
    assert archive_of("nowhere.zip") is None
    assert stem("photos.tar.gz") == "photos"
