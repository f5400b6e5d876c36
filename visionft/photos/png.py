"""PNGs by the checksums of their chunks, which PIL does not look at where the pixels are."""

from __future__ import annotations

import struct
import zlib

from visionft.errors import PhotoError

MAX_CHUNKS = 100_000
"""Chunks up to the last of the pixels: of the usual 8 KiB each they hold 800 megabytes."""
_PIXELS = b"IDAT"
_CHECKED = frozenset({b"IHDR", b"PLTE", b"tRNS", _PIXELS})
_HEAD = struct.Struct(">I4s")


def check(data: bytes) -> None:
    """Raise a PhotoError unless every chunk that decides pixels of the first frame is whole."""
    at, seen, view = 8, False, memoryview(data)
    for _ in range(MAX_CHUNKS):
        if at + _HEAD.size > len(data):
            break
        length, kind = _HEAD.unpack_from(data, at)
        if seen and kind != _PIXELS:
            return
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _CHECKED and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise PhotoError("damaged")
        seen, at = seen or kind == _PIXELS, end
    else:
        raise PhotoError(f"more than {MAX_CHUNKS:,} chunks")
    if not seen or at != len(data):
        raise PhotoError("truncated")
