"""Holes: what a disk or a broken transfer leaves of lost bytes is zeros, which some decoders take for data."""

from __future__ import annotations

from visionft.errors import PhotoError

HOLE = 256
"""Zero bytes in a row that are a hole where the coding never writes as many.

Measured over photos, drawings and single-coloured pictures: AV1, LZMA, Zstandard, LZW, PackBits and CCITT write 19 at
most. JPEG, WebP and deflate write thousands of them for one colour, so their readers must look for other signs.
"""

REASON = "a part is missing (zeros in its place)"


def has_hole(data: bytes, start: int = 0, end: int | None = None, least: int = HOLE) -> bool:
    """Say whether `least` zero bytes follow each other between two places of a file."""
    return data.find(bytes(least), start, len(data) if end is None else end) >= 0


def refuse_hole(data: bytes, start: int, end: int, least: int = HOLE) -> None:
    """Raise a PhotoError if coded data, which has no such zeros of its own, holds a hole."""
    if has_hole(data, start, end, least):
        raise PhotoError(REASON)
