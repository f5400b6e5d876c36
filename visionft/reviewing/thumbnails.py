"""A photo as the page shows it: made when it is asked for, at one of two sizes."""

from __future__ import annotations

import threading
from io import BytesIO
from pathlib import Path

from PIL import Image

from visionft.auditing.measures import shrunken
from visionft.machine.cores import cores
from visionft.photos import read

SIDES = {"small": 160, "large": 1200}
"""Longer side in pixels, by the name of the size."""
_QUALITY = 82
_DIVISORS = (8, 4, 2)
_AT_ONCE = threading.BoundedSemaphore(max(1, cores()))  # a strip of thumbnails is asked for at once


def thumbnail(path: Path, size: str, max_pixels: int) -> bytes:
    """Return a photo as JPEG, upright and without metadata.

    Args:
        path: of the file.
        size: a name in `SIDES`.
        max_pixels: photos of more are refused.

    Raises:
        PhotoError: it cannot be read or decoded.
    """
    side = SIDES[size]

    def reduction(height: int, width: int) -> int:
        return next((divisor for divisor in _DIVISORS if max(height, width) // divisor >= 2 * side), 1)

    with _AT_ONCE:
        pixels = shrunken(read(path, max_pixels=max_pixels, reduction=reduction), side)
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
