"""No photo is used in part: real photos in every coding, cut, with holes and with emptied tails."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFile

from visionft.errors import PhotoError
from visionft.photos import decode, decoder
from visionft.photos.zero_runs import HOLE, REASON, has_hole

Pixels = NDArray[np.uint8]

EXIF = Image.Exif()
EXIF[0x0112] = 6
TWO: dict[str, Any] = {"save_all": True}
# Name: format, mode, what its encoder is told.
CODED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpeg": ("JPEG", "RGB", {}),
    "jpeg, optimised": ("JPEG", "RGB", {"optimize": True}),
    "jpeg, progressive": ("JPEG", "RGB", {"progressive": True}),
    "jpeg, restarts": ("JPEG", "RGB", {"restart_marker_rows": 1}),
    "jpeg, grey": ("JPEG", "L", {}),
    "jpeg, CMYK": ("JPEG", "CMYK", {}),
    "jpeg, turned": ("JPEG", "RGB", {"exif": EXIF}),
    "png": ("PNG", "RGB", {}),
    "png, stored": ("PNG", "RGB", {"compress_level": 0}),
    "png, palette": ("PNG", "P", {}),
    "apng": ("PNG", "RGB", TWO),
    "webp": ("WEBP", "RGB", {}),
    "webp, alpha": ("WEBP", "RGBA", {}),
    "webp, lossless": ("WEBP", "RGB", {"lossless": True}),
    "webp, lossless, alpha": ("WEBP", "RGBA", {"lossless": True}),
    "webp, animated": ("WEBP", "RGB", TWO),
    "gif": ("GIF", "P", {}),
    "gif, animated": ("GIF", "P", TWO),
    "tiff, deflate": ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
    "tiff, lzw": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "tiff, packbits": ("TIFF", "RGB", {"compression": "packbits"}),
    "tiff, jpeg": ("TIFF", "RGB", {"compression": "jpeg"}),
    "tiff, zstd": ("TIFF", "RGB", {"compression": "zstd"}),
    "tiff, fax": ("TIFF", "1", {"compression": "group4"}),
    "avif": ("AVIF", "RGB", {}),
    "avif, alpha": ("AVIF", "RGBA", {}),
    "jpeg 2000": ("JPEG2000", "RGB", {"no_jp2": True}),
    "jpeg 2000, lossy": ("JPEG2000", "RGB", {"irreversible": True, "quality_layers": [20]}),
}
STORED: dict[str, tuple[str, str, dict[str, Any]]] = {"tiff": ("TIFF", "RGB", {}), "bmp": ("BMP", "RGB", {})}
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"\0\0\0\0IEND\xaeB`\x82", "GIF": b"\0;"}


def encoded(picture: Image.Image, kind: str, **told: Any) -> bytes:
    file = BytesIO()
    picture.copy().save(file, kind, **told)
    return file.getvalue()


def in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "RGBA":
        clear = picture.copy()
        clear.putalpha(picture.convert("L"))
        return clear
    return picture.quantize(64) if mode == "P" else picture.convert(mode)


def coded(picture: Image.Image, name: str) -> bytes:
    kind, mode, told = (CODED | STORED)[name]
    picture = in_mode(picture, mode)
    frames = {"append_images": [picture.transpose(Image.Transpose.ROTATE_180)]} if told.get("save_all") else {}
    return encoded(picture, kind, **told, **frames)


@cache
def whole(folder: Path, name: str, size: int = 200) -> tuple[bytes, Pixels]:
    """Return a real photo in a coding, and its pixels."""
    path = sorted((folder / "data" / "clothing").rglob("*.jpg"))[100]
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((size, size))
    data = coded(picture, name)
    return data, decode(data)


def refused_or_the_same(data: bytes, pixels: Pixels) -> bool:
    """Say whether a file is refused; fail where its pixels are others."""
    try:
        found = decode(data)
    except PhotoError:
        return True
    np.testing.assert_array_equal(found, pixels)
    return False


sampled = settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", [*CODED, *STORED])
@sampled
@given(share=st.floats(0.02, 1, exclude_max=True))
def test_a_cut_photo_is_refused_or_lost_no_pixel(shared: Path, name: str, share: float) -> None:
    data, pixels = whole(shared, name)
    part = data[: int(share * len(data))]
    refused_or_the_same(part, pixels)
    refused_or_the_same(part + ENDS.get((CODED | STORED)[name][0], b""), pixels)


@pytest.mark.parametrize("name", CODED)
@sampled
@given(share=st.floats(0.02, 1, exclude_max=True), length=st.sampled_from([HOLE, 300, 512, 1024, 4096]))
def test_a_hole_of_zeros_is_refused_or_cost_no_pixel(shared: Path, name: str, share: float, length: int) -> None:
    data, pixels = whole(shared, name)
    at = int(share * (len(data) - HOLE))
    length = min(length, len(data) - at)
    refused_or_the_same(data[:at] + bytes(length) + data[at + length :], pixels)
    if len(data) - at > 64:  # of fewer zeros a decoder may have needed one
        refused_or_the_same(data[:at] + bytes(len(data) - at), pixels)


@pytest.mark.parametrize("name", CODED)
def test_the_middle_of_a_photo_is_missed(shared: Path, name: str) -> None:
    data, pixels = whole(shared, name)
    middle = len(data) // (4 if "anim" in name or name == "apng" else 2)
    assert refused_or_the_same(data[:middle], pixels)
    if len(data) > 4 * HOLE:
        assert refused_or_the_same(data[:middle] + bytes(HOLE) + data[middle + HOLE :], pixels)
        assert refused_or_the_same(data[:middle] + bytes(len(data) - middle), pixels)


@pytest.mark.parametrize("name", STORED)
def test_zeros_of_a_coding_that_stores_levels_are_black(shared: Path, name: str) -> None:
    data, pixels = whole(shared, name)
    found = decode(data[:-8000] + bytes(4000) + data[-4000:])
    assert (found[(found != pixels).any(-1)] == 0).any(-1).all()
    assert (found != pixels).any()


def drawings() -> dict[str, Image.Image]:
    """Return pictures whose codings hold long runs of zeros, or nearly."""
    white = Image.new("RGB", (1000, 1000), "white")
    shoe = white.copy()
    ImageDraw.Draw(shoe).ellipse((400, 300, 700, 600), fill=(90, 30, 10), outline="black")
    rows = np.broadcast_to(np.linspace(0, 255, 1000).astype(np.uint8)[:, None], (1000, 1000))
    stripes = Image.fromarray(np.stack([np.where(rows % 2, 255, 0).astype(np.uint8)] * 3, -1))
    return {"white": white, "black": Image.new("RGB", (1000, 1000)), "shoe": shoe, "stripes": stripes}


@pytest.mark.parametrize("what", drawings())
@pytest.mark.parametrize("name", CODED)
def test_one_colour_is_no_hole(what: str, name: str) -> None:
    data = coded(drawings()[what], name)
    assert decode(data).shape == (1000, 1000, 3)


def test_the_zeros_of_the_drawings_are_as_long_as_holes() -> None:
    assert has_hole(encoded(drawings()["shoe"], "JPEG", optimize=True))
    assert has_hole(encoded(drawings()["shoe"], "JPEG", progressive=True))
    assert has_hole(encoded(drawings()["shoe"], "WEBP", lossless=True, quality=0, method=0))
    assert has_hole(encoded(drawings()["white"], "WEBP"), least=64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_zeros_in_metadata_are_no_hole(shared: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a hat"
    exif[0x927C] = bytes(3000)
    told = {"xmp": b"<x:xmpmeta/>" + bytes(2000)} if kind in ("JPEG", "WEBP", "AVIF") else {}
    plain, _ = whole(shared, "png")
    picture = Image.open(BytesIO(plain))
    data = encoded(picture, kind, exif=exif, **told)
    assert has_hole(data, least=1000)
    np.testing.assert_array_equal(decode(data), decode(encoded(picture, kind)))


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "tiff, lzw", "webp", "avif", "bmp"])
def test_a_program_that_loads_truncated_images_gets_none_here(
    shared: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, pixels = whole(shared, name)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert refused_or_the_same(data[: len(data) // 2], pixels)
    assert not refused_or_the_same(data, pixels)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_program_that_loads_truncated_images_gets_its_switch_back_after_the_last_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    first, second = decoder._strict_pil(), decoder._strict_pil()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES, "the second thread still reads"
    second.__exit__(None, None, None)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_hole_is_named(shared: Path) -> None:
    for name in ("jpeg", "webp", "avif", "jpeg 2000", "tiff, packbits"):
        data, _ = whole(shared, name, 600)
        middle = len(data) // 2
        with pytest.raises(PhotoError) as caught:
            decode(data[:middle] + bytes(1024) + data[middle + 1024 :])
        assert caught.value.reason == REASON, name
