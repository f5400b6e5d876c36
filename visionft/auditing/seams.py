"""The parts of a picture that straight seams cut it into, as the photos of a collage: an XY-cut (Nagy and Seth 1984).

Along the edge of a photo that lies beside another one nearly every pixel steps to another level; edges of things are
seldom as long as the picture, and as straight.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visionft.auditing.measures import shrunken

SIDE = 256
"""Longest side in pixels of the picture that seams are looked for in."""
MOST = 20
"""Parts of a picture at most: four, and four in each."""
_MARGIN = 0.2  # of a side that a part keeps at least
_CLIPPED = 24.0  # levels from which a step is no clearer
_CLEAR = ((1, 10.0, 8.0, 0.55), (2, 12.0, 10.0, 0.65))
"""A seam between two pixels, and one in a pixel that is a mixture of both sides: how many pixels on the other side is;
levels that clipped steps have on average; levels that are exceeded, and in which share of the steps."""
_TIMES = 1.9  # that the steps of a seam are those of the picture's other lines
_SMALL = 48  # pixels below which a part is not cut again
_DEEP = 2

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the width and the height in [0, 1]."""


def parts_of(pixels: NDArray[np.uint8]) -> list[Box]:
    """Return the parts (at most `MOST`) that seams cut a photo (H, W, 3) of uint8 RGB into, and those in them."""
    grey = cv2.cvtColor(shrunken(pixels, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return _cut(np.asarray(grey, np.float32), (0.0, 0.0, 1.0, 1.0), _DEEP)


def cropped(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return a part (h, w, 3) of a photo (H, W, 3), of one pixel at least."""
    height, width = pixels.shape[:2]
    left, top = min(round(box[0] * width), width - 1), min(round(box[1] * height), height - 1)
    return pixels[top : max(top + 1, round(box[3] * height)), left : max(left + 1, round(box[2] * width))]


def _cut(grey: NDArray[np.float32], box: Box, deep: int) -> list[Box]:
    height, width = grey.shape
    if not deep or min(height, width) < _SMALL:
        return []
    across, down = _seam(grey), _seam(grey.T)
    if across == down == 0:
        return []
    found: list[Box] = []
    for top, bottom in _between(down, height):
        for left, right in _between(across, width):
            part = _within(box, (left / width, top / height, right / width, bottom / height))
            found += [part, *_cut(grey[top:bottom, left:right], part, deep - 1)]
    return found


def _seam(grey: NDArray[np.float32]) -> int:
    """Return the first column on the right of the clearest seam; 0: there is none."""
    return next((at for limits in _CLEAR if (at := _clearest(grey, *limits))), 0)


def _clearest(grey: NDArray[np.float32], far: int, mean: float, level: float, share: float) -> int:
    steps = np.abs(grey[:, far:] - grey[:, :-far])
    clear = np.minimum(steps, _CLIPPED).mean(axis=0)
    margin = max(1, int(grey.shape[1] * _MARGIN))
    inner = clear[margin:-margin]
    if len(inner) < 2:
        return 0
    at = margin + int(inner.argmax())
    is_seam = clear[at] >= max(mean, _TIMES * float(np.median(clear))) and (steps[:, at] > level).mean() >= share
    return at + 1 if is_seam else 0


def _between(seam: int, end: int) -> list[tuple[int, int]]:
    return [(0, seam), (seam, end)] if seam else [(0, end)]


def _within(box: Box, part: Box) -> Box:
    """Return a part of a box as a part of the whole."""
    width, height = box[2] - box[0], box[3] - box[1]
    return (
        box[0] + part[0] * width, box[1] + part[1] * height, box[0] + part[2] * width, box[1] + part[3] * height,
    )  # fmt: skip
