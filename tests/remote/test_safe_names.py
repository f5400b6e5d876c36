"""Names from elsewhere stay below a folder, however they try to leave it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.errors import DataError
from visionft.remote.safe_names import LONGEST, safe_name


@pytest.mark.parametrize(
    "name",
    [
        "../x", "/x", "a/../../x", "a/..", "..\\x", "a\\..\\x", "\\x", "\\\\server\\share", "C:/x", "c:x", "C:\\x",
        "a\0b", "", ".", "./.", "x" * 256, "é" * 128, "a/" * 600 + "x", "a/\ud800.jpg",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"^s3://shop holds .*, which is no path below a folder: nothing of it is used"):
        safe_name(name, "s3://shop")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("./a//b\\c.jpg", "a/b/c.jpg"),
        ("a/./b/", "a/b"),
        ("..a/b..", "..a/b.."),
        ("...", "..."),
        ("x" * 255, "x" * 255),
        ("\udcff.jpg", "\udcff.jpg"),  # a byte that is no UTF-8, as file systems have it
    ],
)
def test_other_names_are_written_with_single_slashes(name: str, wanted: str) -> None:
    assert safe_name(name, "s3://shop") == wanted


@given(st.text(st.sampled_from("./\\:aC\0\n"), max_size=12))
def test_no_name_that_is_accepted_leaves_the_folder(name: str) -> None:
    try:
        found = safe_name(name, "s3://shop")
    except DataError:
        return
    assert not found.startswith("/")
    assert not {"", ".", ".."} & set(found.split("/"))
    assert len(found) <= LONGEST
    assert safe_name(found, "s3://shop") == found
