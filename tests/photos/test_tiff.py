"""TIFFs by their strips and tiles."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.photos.test_truncation import encoded
from visionft.errors import PhotoError
from visionft.photos import decode


def tiff_of(change: Callable[[dict[int, tuple[int, ...]]], None], compression: str | None = None) -> bytes:
    """Return a grey TIFF of 40 rows in strips of 10 and its directory changed."""
    levels = (np.mgrid[0:40, 0:64].sum(0) * 2).astype(np.uint8)
    told = {"compression": compression} if compression else {}
    data = bytearray(encoded(Image.fromarray(levels), "TIFF", strip_size=640, **told))
    tags = read_tags(bytes(data))
    if compression is None:  # PIL writes one strip
        tags |= {278: (10,), 273: tuple(tags[273][0] + 640 * strip for strip in range(4)), 279: (640,) * 4}
    change(tags)
    body, extra = b"", b""
    at = len(data)
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            place = at + 2 + 12 * len(tags) + 4 + len(extra)
            extra += packed
            packed = struct.pack("<I", place)
        body += struct.pack("<HHI", tag, 4, len(values)) + packed
    data[4:8] = struct.pack("<I", at)
    return bytes(data) + struct.pack("<H", len(tags)) + body + b"\0" * 4 + extra


def read_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    with Image.open(BytesIO(data)) as picture:
        found = dict(picture.tag_v2)  # type: ignore[attr-defined]
    kept = {256, 257, 258, 259, 262, 273, 277, 278, 279}
    return {tag: value if isinstance(value, tuple) else (value,) for tag, value in found.items() if tag in kept}


def nothing(tags: dict[int, tuple[int, ...]]) -> None:
    assert tags[278] == (10,)
    assert len(tags[273]) == len(tags[279]) == 4


def without_last_strip(tags: dict[int, tuple[int, ...]]) -> None:
    tags[273], tags[279] = tags[273][:-1], tags[279][:-1]


def with_empty_strip(tags: dict[int, tuple[int, ...]]) -> None:
    tags[273], tags[279] = (0, *tags[273][1:]), (0, *tags[279][1:])


def with_strip_beyond(tags: dict[int, tuple[int, ...]]) -> None:
    tags[273] = (*tags[273][:-1], 1 << 20)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("change", [without_last_strip, with_empty_strip, with_strip_beyond])
def test_a_tiff_that_lacks_a_strip_is_truncated(
    change: Callable[[dict[int, tuple[int, ...]]], None], compression: str | None
) -> None:
    assert decode(tiff_of(nothing, compression)).shape == (40, 64, 3)
    with pytest.raises(PhotoError, match="truncated"):
        decode(tiff_of(change, compression))


def test_a_tile_larger_than_the_limit_is_refused() -> None:
    def tiled(tags: dict[int, tuple[int, ...]]) -> None:
        tags[322], tags[323], tags[324], tags[325] = (60000,), (60000,), tags[273][:1], tags[279][:1]

    with pytest.raises(PhotoError, match=r"too many pixels in one tile \(3,600,000,000\)"):
        decode(tiff_of(tiled, "tiff_lzw"))


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
def test_a_hole_in_a_coded_strip_is_named(compression: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    data = encoded(Image.fromarray(levels), "TIFF", compression=compression)
    middle = len(data) // 2
    with pytest.raises(PhotoError, match="a part is missing"):
        decode(data[:middle] + bytes(300) + data[middle + 300 :])


def test_a_deflated_strip_is_unpacked_to_its_checksum() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    data = encoded(Image.fromarray(levels), "TIFF", compression="tiff_adobe_deflate")
    middle = len(data) // 2
    with pytest.raises(PhotoError, match="damaged"):
        decode(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :])
    np.testing.assert_array_equal(decode(data)[..., 0], levels)
