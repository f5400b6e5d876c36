"""PNGs by the checksums of their chunks."""

from __future__ import annotations

import struct
import zlib

import pytest

from visionft.errors import PhotoError
from visionft.photos import decode, png
from visionft.photos.png import check


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + b"".join(chunks)


ROWS = chunk(b"IDAT", zlib.compress(b"\0\1\2\0\3\4"))


END = chunk(b"IEND", b"")


def test_a_png_needs_its_pixels_and_their_checksums_alone() -> None:
    assert decode(png_of(ROWS, END))[:, :, 0].tolist() == [[1, 2], [3, 4]]
    assert decode(png_of(ROWS))[:, :, 0].tolist() == [[1, 2], [3, 4]]
    assert decode(png_of(ROWS, chunk(b"tEXt", b"a\0b")[:-1] + b"?", END)).shape == (2, 2, 3)
    with pytest.raises(PhotoError, match="damaged"):
        decode(png_of(ROWS[:-1] + b"?", END))
    for part in (ROWS[:-5] + END, chunk(b"IDAT", zlib.compress(b"\0\1\2\0\3\4")[:-6]) + END):
        with pytest.raises(PhotoError, match=r"truncated|damaged"):
            decode(png_of(part))


def test_metadata_that_unpack_to_a_bomb_are_a_reason() -> None:
    packed = zlib.compress(bytes(1 << 23))
    for bomb in (chunk(b"iCCP", b"a\0\0" + packed), chunk(b"zTXt", b"a\0\0" + packed)):
        with pytest.raises(PhotoError, match="metadata too large to unpack"):
            decode(png_of(bomb, ROWS, END))


def test_a_png_of_countless_chunks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "MAX_CHUNKS", 10)
    with pytest.raises(PhotoError, match="more than 10 chunks"):
        decode(png_of(*[chunk(b"IDAT", b"")] * 20, ROWS, END))


def test_only_chunks_that_decide_pixels_are_looked_at() -> None:
    text = chunk(b"tEXt", b"a\0b")
    check(png_of(text[:-1] + b"?", ROWS, b"anything behind the pixels"))
    for broken in (chunk(b"PLTE", b"abc"), chunk(b"tRNS", b"ab")):
        with pytest.raises(PhotoError, match="damaged"):
            check(png_of(broken[:-1] + bytes([broken[-1] ^ 1]), ROWS, END))
    with pytest.raises(PhotoError, match="truncated"):
        check(png_of())
