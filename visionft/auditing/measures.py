"""What the pixels of one photo tell by themselves: light, contrast, sharpness, colour, and perceptual hashes."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.photos import encoding_of

SIDE = 224
"""Longest side in pixels of the grey picture that is measured: figures of large and small photos then compare."""
_COLOURLESS = 6.0  # levels between channels that chroma subsampling alone makes


@dataclass(frozen=True)
class Measures:
    """Figures of one photo.

    Attributes:
        width: in pixels, upright.
        height: in pixels, upright.
        low: 2nd percentile of the grey levels, in [0, 255].
        high: 98th percentile, in [0, 255].
        mean: of the grey levels, in [0, 255].
        contrast: their standard deviation.
        sharpness: variance of the Laplacian over the shrunken picture.
        colourless: whether R, G and B hardly differ.
        phash: 64 bits that stay nearly the same when a picture is stored again (pHash).
        mirrored: the same of the mirrored picture.
    """

    width: int
    height: int
    low: float
    high: float
    mean: float
    contrast: float
    sharpness: float
    colourless: bool
    phash: int
    mirrored: int


def shrunken(pixels: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Return (h, w, 3) with the longer side at most `side` pixels; a smaller photo is returned as it is."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure(pixels: NDArray[np.uint8]) -> Measures:
    """Measure a photo (H, W, 3) of uint8 RGB."""
    small = shrunken(pixels)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    low, high = np.percentile(grey, (2, 98))
    spread = small.max(axis=2).astype(np.int16) - small.min(axis=2)
    return Measures(
        width=pixels.shape[1],
        height=pixels.shape[0],
        low=float(low),
        high=float(high),
        mean=float(grey.mean()),
        contrast=float(grey.std()),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        colourless=bool(np.percentile(spread, 98) <= _COLOURLESS),
        phash=_hash(grey),
        mirrored=_hash(grey[:, ::-1]),
    )


def file_kind(data: bytes) -> tuple[str, str]:
    """Return the format and the colour mode of a file as PIL names them, such as ("JPEG", "CMYK"); "" if unknown."""
    try:
        with Image.open(BytesIO(data)) as picture:
            return picture.format or "", picture.mode
    except Exception:  # noqa: BLE001  # a file that our own decoder took and PIL does not
        return ("HEIF", "") if encoding_of(data) == ".heic" else ("", "")


def _hash(grey: NDArray[np.uint8]) -> int:
    bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(grey))).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
