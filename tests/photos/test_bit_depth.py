"""Deep samples: the range that a file states, else the one in use that they fill; what fits none is refused."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos import decode, remark

SHARES = np.linspace(0, 1, 24 * 36).reshape(24, 36)
WANTED = np.rint(SHARES * 255)
UNKNOWN = r"samples in no known range \(to 1, 255 or 65,535\): save it with 8 or 16 bits"


def tiff(samples: NDArray[np.generic], stated: tuple[float, float] | None = None) -> bytes:
    file, tags = BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in zip((340, 341), stated or (), strict=False):
        tags[tag] = value
        tags.tagtype[tag] = 12
    Image.fromarray(samples).save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()


def levels(data: bytes) -> NDArray[np.uint8]:
    pixels = decode(data)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


@pytest.mark.parametrize("top", [1, 255, 65535])
def test_floats_are_shares_levels_or_16_bit_levels(top: float) -> None:
    assert np.abs(levels(tiff((SHARES * top).astype(np.float32))) - WANTED).max() <= 1
    assert levels(tiff((SHARES * top).astype(np.float32)))[[0, -1], [0, -1]].tolist() == [0, 255]


@pytest.mark.parametrize("top", [255, 65535])
def test_integers_are_levels_or_16_bit_levels(top: int) -> None:
    assert np.abs(levels(tiff((SHARES * top).astype(np.int32))) - WANTED).max() <= 1


@pytest.mark.parametrize("top", [1, 255, 65535])
def test_what_resampling_overshoots_is_clipped(top: float) -> None:
    found = levels(tiff(((SHARES * 1.1 - 0.05) * top).astype(np.float32)))
    assert np.abs(found - np.clip((SHARES * 1.1 - 0.05) * 255, 0, 255)).max() <= 1


@pytest.mark.parametrize("samples", [SHARES * 4, SHARES * 4095 / 2, SHARES * 1e6, SHARES - 0.5, SHARES * 1e38])
def test_floats_of_no_range_in_use_are_refused(samples: NDArray[np.float64]) -> None:
    with pytest.raises(PhotoError, match=UNKNOWN):
        decode(tiff(samples.astype(np.float32)))


@pytest.mark.parametrize("samples", [SHARES * 4000, SHARES * 1e6, SHARES * 255 - 100])
def test_integers_of_no_range_in_use_are_refused(samples: NDArray[np.float64]) -> None:
    with pytest.raises(PhotoError, match=UNKNOWN):
        decode(tiff(samples.astype(np.int32)))


@pytest.mark.parametrize("stated", [(0, 4095), (-1000, 3000), (0, 1e6)])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_a_stated_range_is_followed(stated: tuple[float, float], dtype: type[np.generic]) -> None:
    low, high = stated
    samples = (SHARES * (high - low) + low).astype(dtype)
    assert np.abs(levels(tiff(samples, stated)) - WANTED).max() <= 1
    half = ((SHARES / 2) * (high - low) + low).astype(dtype)
    assert np.abs(levels(tiff(half, stated)) - WANTED / 2).max() <= 1


def test_a_stated_range_of_16_bits_is_followed() -> None:
    samples = (SHARES * 4095).astype(np.uint16)
    assert np.abs(levels(tiff(samples, (0, 4095))) - WANTED).max() <= 1
    assert np.abs(levels(tiff(samples)) - np.rint(samples / 257)).max() == 0


def test_samples_outside_the_stated_range_are_refused() -> None:
    with pytest.raises(PhotoError, match="samples outside the range that the file states"):
        decode(tiff((SHARES * 65535).astype(np.float32), (0, 4095)))


def test_a_range_that_is_none_is_not_believed() -> None:
    for stated in ((5.0, 5.0), (9.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)):
        assert np.abs(levels(tiff(SHARES.astype(np.float32), stated)) - WANTED).max() <= 1


def test_the_range_is_that_of_the_whole_picture_and_not_of_a_strip() -> None:
    tall = np.zeros((3000, 1000), np.float32)
    tall[-1] = 65535
    found = levels(tiff(tall))
    assert found[-1].min() == 255
    assert found[:-1].max() == 0


def twelve_bits(samples: NDArray[np.uint16]) -> bytes:
    """Return a TIFF of 12 bits a sample, two of them in three bytes, as scanners write it."""
    pairs = [bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in samples.reshape(-1, 2).tolist()]
    height, width = samples.shape
    body = b"".join(pairs)
    tags = [
        (256, 3, width), (257, 3, height), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 3, height), (279, 4, len(body)),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + table + bytes(4)


def test_the_twelve_bits_of_a_scanner_go_from_black_to_white() -> None:
    data = twelve_bits(np.rint(SHARES * 4095).astype(np.uint16))
    assert np.abs(levels(data) - WANTED).max() <= 1
    assert levels(data)[[0, -1], [0, -1]].tolist() == [0, 255]
    assert remark(data) is None


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_sixteen_bits_that_are_read_as_nearly_black_are_said(kind: str) -> None:
    def saved(top: int) -> bytes:
        file = BytesIO()
        Image.fromarray((SHARES * top).astype(np.uint16)).save(file, kind)
        return file.getvalue()

    dim = remark(saved(4095))
    assert dim is not None
    assert dim.startswith("16-bit grey below a sixteenth of its range, which is read as nearly black")
    assert remark(saved(4200)) is None
    assert remark(saved(0)) is None
    assert remark(tiff((SHARES * 4095).astype(np.uint16), (0, 4095))) is None
