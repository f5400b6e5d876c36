"""Views: crops of photos, half of them mixed with another photo's; pure functions of (seed, photo, number).

The student sees the very view that its teacher saw, in its own size: function matching (arXiv 2106.05237).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from photos import Photos

Pixels = NDArray[np.uint8]
AREA = (0.12, 1.0)
"""Share of the photo that a crop keeps."""
RATIO = (3 / 4, 4 / 3)
MIXED = 0.5
"""Share of the views that are mixed with another photo (arXiv 1710.09412)."""


@dataclass(frozen=True)
class Crop:
    """A part of a photo: pixels of the square table, then mirrored and tinted."""

    photo: int
    left: int
    top: int
    width: int
    height: int
    mirrored: bool
    gain: tuple[float, float, float]
    shift: float

    def render(self, photos: Photos, side: int) -> NDArray[np.float32]:
        """Return (side, side, 3) in levels, not rounded."""
        part = photos.pixels[self.photo, self.top : self.top + self.height, self.left : self.left + self.width]
        shrinks = min(self.width, self.height) > side
        image = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        image = image[:, ::-1] if self.mirrored else image
        return image.astype(np.float32) * np.float32(self.gain) + np.float32(self.shift)


def view(photos: Photos, seed: int, photo: int, number: int, side: int) -> Pixels:
    """Return one view, (side, side, 3) uint8."""
    random = np.random.default_rng([seed, photo, number])
    image = _crop(photos, photo, random).render(photos, side)
    if random.random() < MIXED:
        other = _crop(photos, int(random.integers(len(photos))), random).render(photos, side)
        share = np.float32(random.uniform(0.5, 1.0))
        image = share * image + (1 - share) * other
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _crop(photos: Photos, photo: int, random: np.random.Generator) -> Crop:
    side = photos.pixels.shape[1]
    area, shape = random.uniform(*AREA), np.exp(random.uniform(*np.log(RATIO)))
    # The table is squashed: what is square in the photo is not in the table.
    wide = np.sqrt(area * shape / photos.ratios[photo])
    high = area / wide
    width, height = (int(np.clip(round(side * share), 8, side)) for share in (wide, high))
    left, top = int(random.integers(side - width + 1)), int(random.integers(side - height + 1))
    bright, tint = random.uniform(0.7, 1.3), random.uniform(0.92, 1.08, 3)
    gain = tuple(float(bright * each) for each in tint)
    return Crop(photo, left, top, width, height, bool(random.random() < 0.5), gain, float(random.uniform(-15, 15)))
