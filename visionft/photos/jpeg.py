"""JPEGs by libjpeg-turbo with its warnings taken as faults: what it warns of, it fills with grey or with noise.

PIL drops those warnings, so that simplejpeg decodes every JPEG and PIL reads metadata alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.photos.jpeg_quirks import mended
from visionft.photos.jpeg_scans import refuse_holes
from visionft.photos.jpeg_segments import Header
from visionft.photos.zero_runs import REASON, has_hole

Pixels = NDArray[np.uint8]
Reduction = Callable[[int, int], int]
"""Given a photo's upright (height, width) in pixels, what both may be divided by: 1, 2, 4 or 8."""

_MENDS = 5  # kinds of oddities that a file may have at once; each mend leaves nothing for itself to mend


def decoded(data: bytes, head: Header, space: str, divisor: int = 1) -> Pixels:
    """Return the pixels of a whole JPEG.

    Args:
        data: The file.
        head: Its header.
        space: "RGB", "GRAY" or "CMYK" (inverted, as JPEGs have it).
        divisor: Of both sides: 1, 2, 4 or 8.

    Returns:
        (ceil(H / divisor), ceil(W / divisor), C) uint8.

    Raises:
        PhotoError: libjpeg-turbo fails or warns.
    """
    height, width = (-(-side // divisor) for side in head.size)
    smaller = {"min_height": height, "min_width": width} if divisor > 1 else {}
    pixels = _strictly(data, head, space, smaller)
    if pixels.shape[:2] != (height, width):
        raise PhotoError("damaged")
    if has_hole(data, head.scan):
        refuse_holes(data)
    return pixels


def _strictly(data: bytes, head: Header, space: str, smaller: dict[str, int]) -> Pixels:
    for _ in range(_MENDS + 1):
        try:
            pixels: Pixels = simplejpeg.decode_jpeg(data, space, **smaller)
            return pixels
        except ValueError as fault:
            words = str(fault)
        other = mended(data, head, words)
        if other is None:
            break
        data = other
    if has_hole(data, head.scan):
        raise PhotoError(REASON)
    raise PhotoError("truncated" if "premature end" in words.lower() else "damaged")
