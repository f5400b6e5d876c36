"""Any mode to RGB: embedded profiles, and alpha over white."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.photos.test_table import ALPHA, COLOURS, LEVELS, RGB, encoded, grey, over_white, same
from visionft.photos import decode, decoder
from visionft.photos.colour import conversion


def profile(swapped: bool = False, gamma: float | None = None) -> bytes:
    """Return the ICC file of sRGB with its red and blue swapped, or with another tone curve."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    tags = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    if swapped:
        data[tags[b"rXYZ"] : tags[b"rXYZ"] + 4], data[tags[b"bXYZ"] : tags[b"bXYZ"] + 4] = b"bXYZ", b"rXYZ"
    if gamma:
        for name in (b"rTRC", b"gTRC", b"bTRC"):
            offset = struct.unpack_from(">I", data, tags[name] + 4)[0]
            data[offset : offset + 14] = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
            struct.pack_into(">I", data, tags[name] + 8, 14)
    return bytes(data)


def grey_profile(gamma: float) -> bytes:
    """Return the smallest ICC file of a grey space: a white point and a tone curve."""
    white, curve = (
        b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
        b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)),
    )
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 14)
    header = bytearray(128)
    header[8:12], header[12:24], header[36:40] = b"\x02\x40\0\0", b"mntrGRAYXYZ ", b"acsp"
    struct.pack_into(">iii", header, 68, 63190, 65536, 54061)
    body = bytes(header) + tags + white + curve + b"\0\0"
    return struct.pack(">I", len(body)) + body[4:]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_followed(kind: str) -> None:
    given = {"lossless": True} if kind == "WEBP" else {}
    same(encoded(RGB, kind, icc_profile=profile(swapped=True), **given), COLOURS[..., ::-1], within=1)


def test_the_profile_of_a_jpeg_is_followed() -> None:
    plain = decode(encoded(RGB, "JPEG", quality=95))
    same(encoded(RGB, "JPEG", quality=95, icc_profile=profile(swapped=True)), plain[..., ::-1], within=1)


def test_linear_light_becomes_srgb() -> None:
    light = LEVELS / 255
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    wanted = np.rint(255 * curve).astype(np.uint8)
    same(encoded(Image.fromarray(grey(LEVELS)), "PNG", icc_profile=profile(gamma=1.0)), grey(wanted), within=1)
    # lcms computes grey curves coarsely in the darkest levels.
    same(encoded(Image.fromarray(LEVELS), "PNG", icc_profile=grey_profile(1.0)), grey(wanted), within=10)
    opaque = Image.merge("LA", (Image.fromarray(LEVELS), Image.new("L", (36, 24), 255)))
    same(encoded(opaque, "PNG", icc_profile=grey_profile(1.0)), grey(wanted), within=10)


def test_colours_are_converted_before_they_are_laid_over_white() -> None:
    picture = RGB.copy()
    picture.putalpha(ALPHA)
    wanted = over_white(COLOURS[..., ::-1], np.asarray(ALPHA))
    same(encoded(picture, "PNG", icc_profile=profile(swapped=True)), wanted, within=1)


def test_the_profile_of_srgb_itself_changes_nothing_and_keeps_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    same(encoded(RGB, "PNG", icc_profile=profile()), COLOURS)
    assert conversion(profile(), "RGB") is None
    monkeypatch.setattr(decoder, "rgb", None)
    assert decode(encoded(RGB, "JPEG", icc_profile=profile())).shape == (24, 36, 3)


@pytest.mark.parametrize("icc", [b"x", b"\0" * 500, profile(swapped=True)[:200], grey_profile(1.0)])
def test_a_damaged_or_foreign_profile_is_ignored(icc: bytes) -> None:
    same(encoded(RGB, "PNG", icc_profile=icc), COLOURS)
