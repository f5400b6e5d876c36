"""JPEGs: what libjpeg-turbo warns of, which oddities cost nothing, and how many scans are worked through."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos import decode

LEVELS = np.mgrid[0:150, 0:200]
PHOTO = Image.fromarray(np.stack([LEVELS[0], LEVELS[1], LEVELS.prod(0) % 256], -1).astype(np.uint8))
END = b"\xff\xd9"


def encoded(picture: Image.Image = PHOTO, **told: Any) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", **told)
    return file.getvalue()


PLAIN, PROGRESSIVE = encoded(), encoded(progressive=True)


def changed(data: bytes, at: int, values: bytes) -> bytes:
    return data[:at] + values + data[at + len(values) :]


def starts(data: bytes) -> list[int]:
    return [found.start() for found in re.finditer(b"\xff\xda", data)]


def warning(data: bytes) -> str:
    with pytest.raises(ValueError, match=r"JPEG|JFIF|Adobe") as caught:
        simplejpeg.decode_jpeg(data)
    return str(caught.value)


def test_a_half_with_an_end_marker_is_truncated() -> None:
    for data in (PLAIN, PROGRESSIVE, encoded(exif=Image.Exif()), encoded(PHOTO.convert("L")), encoded(optimize=True)):
        half = data[: len(data) // 2] + END
        assert Image.open(BytesIO(half)).convert("RGB").size == PHOTO.size  # PIL takes it
        with pytest.raises(PhotoError, match="truncated"):
            decode(half)
