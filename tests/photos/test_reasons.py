"""Each reason that the page lists has a file here that gets it, and no file gets another."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos import decode, tiff_deep
from visionft.photos import jpeg2000 as jp2

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "decoding.md"
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))


def encoded(picture: Image.Image = PHOTO, kind: str = "JPEG", **told: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **told)
    return file.getvalue()


def half() -> bytes:
    data = encoded()
    return data[: len(data) // 2] + b"\xff\xd9"


def hole() -> bytes:
    data = encoded(kind="AVIF")
    middle = len(data) // 2
    return data[:middle] + bytes(512) + data[middle + 512 :]


def wrong_checksum() -> bytes:
    data = bytearray(encoded(kind="PNG"))
    data[len(data) // 2] ^= 1
    return bytes(data)


def bomb() -> bytes:
    data = bytearray(encoded(kind="PNG"))
    data[16:24] = struct.pack(">II", 20_000, 20_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def scans() -> bytes:
    data = encoded(progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 3000 + data[-2:]


def floats() -> bytes:
    return encoded(Image.fromarray(np.linspace(0, 1e6, 900, dtype=np.float32).reshape(30, 30)), "TIFF")


def contradicting() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[341], tags.tagtype[341] = 100.0, 12
    picture = Image.fromarray(np.linspace(0, 250, 900, dtype=np.float32).reshape(30, 30))
    return encoded(picture, "TIFF", tiffinfo=tags)


def twelve_bits() -> bytes:
    data = bytearray(encoded())
    data[data.index(b"\xff\xc0") + 4] = 12
    return bytes(data)


def text_bomb() -> bytes:
    data, body = encoded(kind="PNG"), b"a\0\0" + zlib.compress(bytes(1 << 22))
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return data[:33] + chunk + data[33:]


def tiles() -> bytes:
    """Return a HEIC whose first picture says that it is a grid of one tile of 20,000 by 20,000 pixels."""
    return (Path(__file__).with_name("heic") / "tiles.heic").read_bytes()


def deep(*, large: bool = False, **told: Any) -> bytes:
    """Return a TIFF of floats, which may say that it is of 13,000 by 13,000 pixels."""
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((20, 30, 3), np.float32), photometric="rgb", metadata=None, **told)
    data = bytearray(file.getvalue())
    for at in range(0, len(data) - 12, 2) if large else ():
        tag, kind, count, _ = struct.unpack_from("<HHII", data, at)
        if (tag, count) in ((256, 1), (257, 1), (278, 1)) and kind in (3, 4):
            struct.pack_into("<HII", data, at + 2, 4, 1, 13_000)
    return bytes(data)


def jpeg2000(at: int, value: bytes) -> bytes:
    """Return a JPEG 2000 with some bytes changed that many behind its start."""
    data = encoded(kind="JPEG2000", no_jp2=True)
    return data[:at] + value + data[at + len(value) :]


MADE: dict[str, Callable[[], bytes]] = {
    "empty file": bytes,
    "truncated": half,
    "a part is missing (zeros in its place)": hole,
    "damaged": wrong_checksum,
    "too many pixels (400,000,000; 200,000,000 are allowed)": bomb,
    "more than 100 scans": scans,
    "samples in no known range (to 1, 255 or 65,535): save it with 8 or 16 bits": floats,
    "samples outside the range that the file states": contradicting,
    "a JPEG of 12 bits a sample: save it with 8": twelve_bits,
    "metadata too large to unpack": text_bomb,
    "a colour profile above 4,194,304 bytes": lambda: encoded(icc_profile=bytes((4 << 20) + 1)),
    "HEIC needs pi-heif: pip install 'visionft[heic]', or save it as JPEG": tiles,
    "an HEIF that is no single HEVC picture: save it as JPEG": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "too many pixels in its tiles": tiles,
    jp2.FOREIGN: lambda: jpeg2000(43, b"\2\2"),
    "a JPEG 2000 of too many tiles, blocks or layers for its size": lambda: jpeg2000(24, struct.pack(">II", 1, 1)),
    tiff_deep.MISSING: deep,
    tiff_deep.FOREIGN: lambda: deep(compression="lzma"),
    "a strip or tile above 536,870,912 bytes: save it in smaller ones": lambda: deep(large=True),
    "a web page, not a photo": lambda: b"<html>",
    "a PDF, not a photo": lambda: b"%PDF-1.7",
    "an SVG drawing, not a photo": lambda: b"<svg/>",
    "an archive, not a photo": lambda: b"PK\x03\x04",
    "not an image (JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF and BMP are read)": lambda: b"a note",
}


@pytest.mark.parametrize("reason", MADE)
def test_each_reason_has_its_file(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pi-heif", "tifffile"):
        if package in reason:
            monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(PhotoError) as caught:
        decode(MADE[reason]())
    assert caught.value.reason == reason


def test_the_page_lists_these_reasons_and_no_others() -> None:
    section = PAGE.read_text(encoding="utf-8").split("| reason | what the file is |")[1].split("\n\n")[0]
    listed = [name for row in section.splitlines()[2:] for name in re.findall("`([^`]+)`", row.split("|")[1])]
    patterns = [re.escape(name).replace("…", ".*") for name in listed]
    assert len(listed) == len(MADE)
    for reason in MADE:
        assert sum(bool(re.fullmatch(pattern, reason)) for pattern in patterns) == 1, reason
