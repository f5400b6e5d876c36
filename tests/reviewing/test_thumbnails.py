"""Photos as the page shows them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visionft.errors import PhotoError
from visionft.reviewing.thumbnails import SIDES, thumbnail


@pytest.mark.parametrize("size", SIDES)
def test_a_photo_comes_at_its_size_upright_and_without_metadata(tmp_path: Path, size: str) -> None:
    photo = Image.fromarray(np.zeros((1500, 2000, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    photo.save(tmp_path / "a.jpg", exif=exif)
    with Image.open(BytesIO(thumbnail(tmp_path / "a.jpg", size, 10_000_000))) as shown:
        assert max(shown.size) == SIDES[size]
        assert shown.height > shown.width
        assert not shown.getexif()


def test_what_is_no_photo_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"text")
    with pytest.raises(PhotoError):
        thumbnail(tmp_path / "a.jpg", "small", 100)
    with pytest.raises(PhotoError, match="no such file"):
        thumbnail(tmp_path / "b.jpg", "small", 100)
