"""JPEG 2000: which channels are read, how they are turned and coloured, and what is refused."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from visionft.errors import PhotoError
from visionft.photos import decode, encoding_of, jpeg2000
from visionft.photos.zero_runs import REASON

LEVELS = (np.mgrid[0:16, 0:24].sum(0) * 6 % 256).astype(np.uint8)
COLOURS = np.stack([LEVELS, LEVELS[::-1], 255 - LEVELS], -1)


def encoded(pixels: Any = COLOURS, mode: str | None = None, **told: Any) -> bytes:
    file = BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file, "JPEG2000", **told)
    return file.getvalue()


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def with_boxes(data: bytes, colour: bytes = b"", before: bytes = b"") -> bytes:
    """Return the file with another colr box, and boxes before its codestream."""
    at = data.index(b"jp2c") - 4
    if colour:
        place = data.index(b"colr") - 4
        end = place + int.from_bytes(data[place : place + 4], "big")
        head = data.index(b"jp2h") - 4
        length = int.from_bytes(data[head : head + 4], "big") + len(colour) - (end - place)
        data = data[:head] + struct.pack(">I", length) + data[head + 4 : place] + colour + data[end:]
        at = data.index(b"jp2c") - 4
    return data[:at] + before + data[at:]


@pytest.mark.parametrize("bare", [False, True])
def test_grey_colour_and_alpha_are_as_in_every_format(bare: bool) -> None:
    np.testing.assert_array_equal(decode(encoded(LEVELS, no_jp2=bare)), np.repeat(LEVELS[..., None], 3, -1))
    clear = np.dstack([COLOURS, LEVELS[:, ::-1]])
    share = clear[..., 3:].astype(np.float64) / 255
    wanted = np.rint(COLOURS * share + 255 * (1 - share)).astype(np.uint8)
    np.testing.assert_array_equal(decode(encoded(clear, no_jp2=bare)), wanted)


def test_deep_grey_and_cmyk_are_as_in_every_format() -> None:
    np.testing.assert_array_equal(decode(encoded(LEVELS.astype(np.uint16) * 257))[..., 0], LEVELS)
    cmyk = Image.fromarray(COLOURS).convert("CMYK")
    np.testing.assert_array_equal(decode(encoded(COLOURS, "CMYK")), np.asarray(cmyk.convert("RGB")))


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_a_photo_is_turned_as_its_metadata_say(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    body = (
        b"JpgTiffExif->JP2" + exif.tobytes().removeprefix(b"Exif\0\0")
        if kind == "exif"
        else bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b'<x tiff:Orientation="6"/>'
    )
    turned = with_boxes(encoded(np.rot90(COLOURS).copy()), before=box(b"uuid", body))
    np.testing.assert_array_equal(decode(turned), COLOURS)


def test_a_profile_in_the_boxes_is_followed() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    with_lab = with_boxes(encoded(), colour=box(b"colr", b"\2\0\0" + profile))
    np.testing.assert_array_equal(decode(with_lab), COLOURS)  # of another space: ignored
    linear = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = linear.index(b"para", 200)
    linear[curve : curve + 16] = b"para\0\0\0\0\0\0\0\0\0\1\0\0"  # the curve of all three: its levels as they are
    same = BytesIO()
    Image.fromarray(COLOURS).save(same, "PNG", icc_profile=bytes(linear))
    found = decode(with_boxes(encoded(), colour=box(b"colr", b"\2\0\0" + bytes(linear))))
    np.testing.assert_array_equal(found, decode(same.getvalue()))
    assert np.abs(found.astype(int) - COLOURS).max() > 20


def test_the_colours_of_a_press_are_not_taken_for_alpha() -> None:
    clear = encoded(np.dstack([COLOURS, LEVELS]))
    press = box(b"colr", b"\2\0\0" + bytes(16) + b"CMYK" + bytes(100))
    with pytest.raises(PhotoError, match=jpeg2000.FOREIGN):
        decode(with_boxes(clear, colour=press))


def test_a_header_that_is_not_its_codestreams_is_refused() -> None:
    data = encoded()
    at = data.index(b"ihdr") + 4
    for wrong in (struct.pack(">II", 16, 25), struct.pack(">IIH", 16, 24, 4)):
        with pytest.raises(PhotoError, match="damaged"):
            decode(data[:at] + wrong + data[at + len(wrong) :])


@pytest.mark.parametrize("value", [b"\x00\x05", b"\x00\x03\x07\x02\x02", b"\x00\x03\x06", b"\x00\x03\x25", b"\x00\x00"])
def test_other_channels_are_refused(value: bytes) -> None:
    data = encoded(no_jp2=True)
    with pytest.raises(PhotoError, match=jpeg2000.FOREIGN):
        decode(data[:40] + value + data[40 + len(value) :])


@pytest.mark.parametrize("share", np.linspace(0.05, 0.99, 12))
def test_a_cut_or_a_hole_is_refused(share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(noise)
    at = int(share * (len(data) - 600))
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: max(at, 20)])
    if at > 300:
        with pytest.raises(PhotoError, match=REASON.partition("(")[0]):
            decode(data[:at] + bytes(300) + data[at + 300 :])


def test_a_file_without_a_picture_is_truncated() -> None:
    data = encoded()
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: data.index(b"jp2c") - 4])
    assert encoding_of(data) == ".jp2"
