"""WebPs whose zeros were never written."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.photos.test_truncation import EXIF, drawings, encoded, refused_or_the_same, whole
from visionft.errors import PhotoError
from visionft.photos import decode, webp
from visionft.photos.webp import _first_frame, _size, check


@pytest.mark.parametrize("name", ["webp", "webp, lossless"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_webp_whose_sizes_were_mended_is_still_cut(shared: Path, name: str, share: float) -> None:
    data, pixels = whole(shared, name)
    body = data[20 : int(share * len(data)) // 2 * 2]
    chunk = data[12:16] + struct.pack("<I", len(body)) + body
    assert refused_or_the_same(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk, pixels)


@pytest.mark.parametrize("told", [{"quality": 5, "method": 0}, {"lossless": True, "quality": 0, "method": 0}])
@pytest.mark.parametrize("what", drawings())
def test_the_quickest_webp_writes_zeros_of_its_own(what: str, told: dict[str, Any]) -> None:
    picture = drawings()[what]
    clear = picture.copy()
    clear.putalpha(picture.convert("L").point(lambda level: 255 - level))
    assert decode(encoded(picture, "WEBP", **told)).shape == (1000, 1000, 3)
    assert decode(encoded(clear, "WEBP", **told)).shape == (1000, 1000, 3)


def test_a_webp_of_countless_chunks_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webp, "MAX_CHUNKS", 2)
    with pytest.raises(PhotoError, match="more than 2 chunks"):
        decode(encoded(Image.new("RGBA", (9, 9), (1, 2, 3, 4)), "WEBP", icc_profile=b"x" * 99, exif=EXIF))


@pytest.mark.parametrize("told", [{}, {"lossless": True}])
def test_a_file_shorter_than_it_says_is_truncated(told: dict[str, Any]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    data = encoded(Image.fromarray(levels), "WEBP", **told)
    check(data)
    with pytest.raises(PhotoError, match="truncated"):
        check(data[:-2])
    with pytest.raises(PhotoError, match="a part is missing"):
        check(data[:60] + bytes(600) + data[660:])


def test_one_colour_is_no_hole_and_its_size_is_read() -> None:
    for told in ({}, {"lossless": True}):
        flat = encoded(Image.new("RGB", (300, 200), (200, 30, 90)), "WEBP", **told)
        check(flat)
        assert _size(dict(_first_frame(flat))) == (300, 200)
