"""What a photo will cost, told by its header alone: whether it may share the threads of the others."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.photos.formats import HEAD, opener
from visionft.photos.jpeg_segments import header

APART_PIXELS = 16_000_000
"""Pixels above which a photo is made ready in a process of its own; those of today's telephones lie below."""
BYTES_A_PIXEL = 30
"""Memory while a photo is made ready: its levels, a copy in another mode, and 24 in the graph."""
_USUAL_SCANS = 10
"""Passes over a progressive JPEG, as encoders write them; each costs as much as a fraction of a plain one."""
_UNSURE = ("TIFF", "AVIF", "HEIF", "JPEG2000")
"""Formats whose header does not bound what decoding takes: a tile, or a coded frame, may be larger than the picture."""


@dataclass(frozen=True)
class Weight:
    """The cost of one photo.

    Attributes:
        pixels: width times height; 0 where the header cannot be read, as then nothing is decoded.
        apart: whether it needs a process of its own, which can be ended.
    """

    pixels: int
    apart: bool

    @property
    def bytes(self) -> int:
        """Memory that it takes while it is made ready."""
        return self.pixels * BYTES_A_PIXEL


NOTHING = Weight(0, False)
"""Of what is refused by its header."""


def weigh(data: bytes) -> Weight:
    """Return the weight of a photo's file; it decodes nothing, and never raises."""
    try:
        with opener(data[:HEAD])(BytesIO(data)) as picture:
            pixels, kind = picture.size[0] * picture.size[1], picture.format or ""
    except PhotoError:
        return NOTHING
    except Exception:  # noqa: BLE001  # PIL's readers fail on damaged headers in many ways
        pixels, kind = _plain_pixels(data), "JPEG"
    return Weight(pixels, kind in _UNSURE or pixels * _passes(kind, data) > APART_PIXELS)


def weigh_levels(image: NDArray[np.uint8]) -> Weight:
    """Return the weight of levels (H, W, 3) that need no decoding."""
    pixels = image.shape[0] * image.shape[1]
    return Weight(pixels, pixels > APART_PIXELS)


def _plain_pixels(data: bytes) -> int:
    try:
        height, width = header(data).size
    except PhotoError:
        return 0
    return height * width


def _passes(kind: str, data: bytes) -> float:
    """Return how many times as much as usual a photo's pixels cost: a JPEG's scans are its starts of scan."""
    return max(1.0, data.count(b"\xff\xda") / _USUAL_SCANS) if kind == "JPEG" else 1.0
