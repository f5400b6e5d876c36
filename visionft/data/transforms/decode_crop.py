"""Crop first, then decode: a box drawn from a photo's size, then cut from as few decoded pixels as it needs."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from visionft.photos import Reduction

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels; the last two are outside."""
Load = Callable[[Reduction], Pixels]
"""Decode a photo, no smaller than the reduction allows."""

# The other eighths that JPEG knows have no quick transform: three quarters of the sides take longer than whole ones.
DIVISORS = (8, 4, 2)


class Crop:
    """A part of one photo, resized.

    Args:
        draw: given (height, width) of the whole photo, returns the box.
        size: (H, W) of the result in pixels, or what returns it, given (height, width) of the whole photo.
    """

    def __init__(
        self, draw: Callable[[int, int], Box], size: tuple[int, int] | Callable[[int, int], tuple[int, int]]
    ) -> None:
        self.draw, self.wanted = draw, size
        self.size = (1, 1) if callable(size) else size
        self.whole: tuple[int, int] | None = None
        self.box: Box = (0, 0, 0, 0)
        self.divisor = 1

    def of(self, load: Load) -> Pixels:
        """Return the part as (H, W, 3) uint8 RGB; box and size depend on the size of the whole photo alone."""
        image = load(self._place)
        if self.whole is None:  # a photo that cannot come smaller
            self._place(*image.shape[:2])
        scale = 1 if image.shape[:2] == self.whole else self.divisor
        top, left, bottom, right = reduced(self.box, scale)
        return resized(image[top:bottom, left:right], self.size)

    def _place(self, height: int, width: int) -> int:
        self.whole, self.box = (height, width), self.draw(height, width)
        if callable(self.wanted):
            self.size = self.wanted(height, width)
        self.divisor = divisor(self.box, self.size)
        return self.divisor


def divisor(box: Box, size: tuple[int, int]) -> int:
    """Return the largest divisor of a photo's sides at which a box still has the pixels of `size` (H, W), else 1."""
    for n in DIVISORS:
        top, left, bottom, right = reduced(box, n)
        if bottom - top >= size[0] and right - left >= size[1]:
            return n
    return 1


def reduced(box: Box, divisor: int) -> Box:
    """Return where a box lies in a photo whose sides were divided; its edges move by half a pixel there at most."""
    top, left, bottom, right = ((2 * edge + divisor) // (2 * divisor) for edge in box)
    return top, left, bottom, right


def centre_box(height: int, width: int, size: tuple[int, int]) -> Box:
    """Return the largest centred box of the ratio of `size` (H, W)."""
    rows = min(height, max(1, width * size[0] // size[1]))
    columns = min(width, max(1, height * size[1] // size[0]))
    top, left = (height - rows) // 2, (width - columns) // 2
    return top, left, top + rows, left + columns


def side_of(size: tuple[int, int]) -> int:
    """Return the short side that photos are kept at for crops of `size` (H, W), in pixels: one and a half crops.

    So crops rarely have to be enlarged: none of a photo of 3:4 and 18 % of those of a square one, by 1.13 at most
    (`strong`: 24 and 36 %). At four thirds, for 0.79 of the bytes, it would be 18 and 41 %.
    """
    return max(size) * 3 // 2


def shrunk(load: Load, side: int) -> Pixels:
    """Return a photo, (h, w, 3) uint8, whose short side is `side` pixels; a smaller one is as it is."""
    whole = load(lambda height, width: divisor((0, 0, height, width), (side, side)))
    height, width = whole.shape[:2]
    short = min(height, width)
    if short <= side:
        return whole
    return resized(whole, ((height * side + short // 2) // short, (width * side + short // 2) // short))


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize (h, w, 3) uint8 to `size` (H, W): enlarged by bicubic interpolation, shrunk by Pillow's bilinear filter.

    That filter widens with the ratio, so that nothing aliases: it is what evaluation shrinks by. Averages over areas
    (cv2.INTER_AREA) let more through, and take three to five times as long at ratios that are no whole numbers.
    """
    if image.shape[0] <= size[0] and image.shape[1] <= size[1]:
        return np.ascontiguousarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    # A batch of one before the axes move: torch knows its channels_last by all four strides, and is quick on it alone.
    channels_last = torch.from_numpy(image)[None].permute(0, 3, 1, 2)
    smaller = F.interpolate(channels_last, size, mode="bilinear", antialias=True)
    return np.ascontiguousarray(smaller[0].permute(1, 2, 0).numpy())
