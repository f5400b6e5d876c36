"""Names of archives and buckets stay below a folder, or are refused."""

from __future__ import annotations

import pytest

from visionft.errors import DataError
from visionft.remote.safe_names import safe_name


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "a\0b", "", ".", "x" * 300, "a/" * 600 + "x"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="s3://shop holds"):
        safe_name(name, "s3://shop")
    assert safe_name("./a//b\\c.jpg", "s3://shop") == "a/b/c.jpg"
