"""Photos decoded at a half, a quarter or an eighth of their sides: which may be, and that they show the same."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from visionft.errors import PhotoError
from visionft.photos import decode

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 803, 1285
"""No multiples of eight, nor of each other."""


def picture(mode: str = "RGB") -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **given: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **given)
    return file.getvalue()


def averages(pixels: Pixels, n: int) -> NDArray[np.float64]:
    """Return the mean of every whole block of n by n."""
    rows, columns = pixels.shape[0] // n, pixels.shape[1] // n
    blocks = pixels[: rows * n, : columns * n].reshape(rows, n, columns, n, 3)
    return np.asarray(blocks.mean((1, 3)))


@pytest.mark.parametrize("n", [2, 4, 8])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_reduced_photo_is_its_blocks_averages(n: int, subsampling: int) -> None:
    data = encoded(picture(), quality=95, subsampling=subsampling)
    small = decode(data, reduction=lambda _, __: n)
    assert small.shape == (-(-HEIGHT // n), -(-WIDTH // n), 3)
    means = averages(decode(data), n)
    assert np.abs(small[: means.shape[0], : means.shape[1]] - means).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photo_stands_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data, asked = encoded(picture(), quality=95, exif=exif), list[tuple[int, int]]()

    def reduction(height: int, width: int) -> int:
        asked.append((height, width))
        return 4

    small, whole = decode(data, reduction=reduction), decode(data)
    assert asked == [whole.shape[:2]]
    assert small.shape == (-(-whole.shape[0] // 4), -(-whole.shape[1] // 4), 3)
    assert small.flags.c_contiguous
    means = averages(whole, 4)
    rows, columns = means.shape[:2]
    # From an edge that was the right or the lower one, blocks begin up to three of the four pixels further in.
    nearest = min(
        np.abs(small[y : y + rows, x : x + columns] - means).mean()
        for y in range(small.shape[0] - rows + 1)
        for x in range(small.shape[1] - columns + 1)
    )
    assert nearest < 4


def test_a_reduction_by_one_changes_no_bit() -> None:
    data = encoded(picture(), quality=80)
    assert np.array_equal(decode(data, reduction=lambda _, __: 1), decode(data))


def wide_gamut() -> bytes:
    """Return a profile that moves colours: sRGB's with red and blue exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(), "PNG"),
        encoded(picture(), "WEBP"),
        encoded(picture("L")),
        encoded(picture("CMYK")),
        encoded(picture(), icc_profile=wide_gamut()),
    ],
    ids=["png", "webp", "grey", "cmyk", "profile"],
)
def test_other_photos_are_decoded_whole_and_not_asked_about(data: bytes) -> None:
    def reduction(height: int, width: int) -> int:
        raise AssertionError("asked")

    assert np.array_equal(decode(data, reduction=reduction), decode(data))


def test_a_truncated_photo_is_refused_reduced_too() -> None:
    data = encoded(picture(), quality=95)
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: len(data) // 2], reduction=lambda _, __: 4)
