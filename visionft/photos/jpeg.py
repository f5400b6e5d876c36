"""JPEGs of three components by simplejpeg: a third faster than by PIL, to the same bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

try:
    import simplejpeg
except ImportError:  # serving runs without it, with the same pixels
    simplejpeg = None

Pixels = NDArray[np.uint8]
Reduction = Callable[[int, int], int]
"""Given a photo's upright (height, width) in pixels, what both may be divided by: 1, 2, 4 or 8."""

# The segments of a header that say nothing of how the picture is to be turned or coloured: frame (baseline, extended,
# progressive), tables, restarts, JFIF, comment.
_PLAIN = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, 0xE0, 0xFE})
_SCAN = 0xDA


def plain_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a JPEG of three components without metadata, without PIL; None where PIL must look."""
    if simplejpeg is None or not _only_plain(data):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    return (height, width) if space in ("YCbCr", "RGB") else None


def decoded(data: bytes, size: tuple[int, int], divisor: int) -> Pixels | None:
    """Return the pixels (H, W, 3) of a JPEG of three components, `size` (h, w) divided; None where PIL must do it."""
    if simplejpeg is None:
        return None
    height, width = (-(-side // divisor) for side in size)
    smaller = {"min_height": height, "min_width": width} if divisor > 1 else {}
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", **smaller)
    except ValueError:  # PIL is the judge of what is damaged, so that a machine without simplejpeg says the same
        return None
    return pixels if pixels.shape[:2] == (height, width) else None


def _only_plain(data: bytes) -> bool:
    """Walk the segments up to the first scan: each is 0xFF, its kind, and its length in two bytes."""
    at, end = 2, len(data) - 4
    while at < end and data[at] == 0xFF:
        if data[at + 1] == _SCAN:
            return True
        if data[at + 1] not in _PLAIN:
            return False
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return False
