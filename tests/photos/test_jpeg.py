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


def odd_version() -> bytes:
    return changed(PLAIN, PLAIN.index(b"JFIF") + 5, b"\3")


def odd_scan() -> bytes:
    return changed(PLAIN, starts(PLAIN)[0] + 5 + 2 * 3, b"\0\0\0")


def odd_transform() -> bytes:
    return PLAIN[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07" + PLAIN[20:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PLAIN[:-2], "Premature end of JPEG file"),
        (PLAIN[:-1], "Premature end of JPEG file"),
        (PROGRESSIVE[:-2], "Premature end of JPEG file"),
        (PLAIN[:-2] + bytes(10) + END, "Corrupt JPEG data: "),
        (odd_version(), "Warning: unknown JFIF revision number 3.01"),
        (odd_scan(), "Invalid SOS parameters for sequential JPEG"),
        (odd_transform(), "Unknown Adobe color transform code 7"),
        (odd_version()[:-2] + bytes(10) + END, "Warning: unknown JFIF revision number 3.01"),
    ],
)
def test_what_costs_no_pixel_is_read(data: bytes, words: str) -> None:
    assert warning(data).startswith(words)
    np.testing.assert_array_equal(decode(data), decode(PLAIN))


def test_other_bytes_before_the_end_marker_are_damage() -> None:
    for stray in (b"abcdefghijkl", bytes(40), b"\x55" * 40):
        data = PLAIN[:-2] + stray + END
        assert "extraneous bytes before marker 0xd9" in warning(data)
        with pytest.raises(PhotoError, match="damaged"):
            decode(data)


def test_a_half_with_an_end_marker_is_truncated() -> None:
    for data in (PLAIN, PROGRESSIVE, encoded(exif=Image.Exif()), encoded(PHOTO.convert("L")), encoded(optimize=True)):
        half = data[: len(data) // 2] + END
        assert Image.open(BytesIO(half)).convert("RGB").size == PHOTO.size  # PIL takes it
        with pytest.raises(PhotoError, match="truncated"):
            decode(half)


def test_an_oddity_hides_no_damage() -> None:
    data = odd_version()
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: len(data) // 2] + END)
