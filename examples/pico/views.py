"""Views: crops of photos, many with a part of another photo; pure functions of (seed, photo, number).

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
MIXED, PASTED = 0.25, 0.35
"""Shares of the views that are mixed with another photo (arXiv 1710.09412), and that have a blob of one pasted on."""
SWAPPED, GREY = 0.15, 0.1
"""Shares of the crops whose channels change places, and that have no colour."""


@dataclass(frozen=True)
class Crop:
    """A part of a photo: pixels of the square table, then mirrored and tinted."""

    photo: int
    left: int
    top: int
    width: int
    height: int
    mirrored: bool
    channels: tuple[int, ...]
    gain: tuple[float, float, float]
    shift: float

    def render(self, photos: Photos, side: int) -> NDArray[np.float32]:
        """Return (side, side, 3) in levels, not rounded."""
        part = photos.pixels[self.photo, self.top : self.top + self.height, self.left : self.left + self.width]
        shrinks = min(self.width, self.height) > side
        image = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        image = image[:, ::-1] if self.mirrored else image
        image = image[..., self.channels] if self.channels else image.mean(2, keepdims=True).repeat(3, 2)
        return image.astype(np.float32) * np.float32(self.gain) + np.float32(self.shift)


def view(photos: Photos, seed: int, photo: int, number: int, side: int) -> Pixels:
    """Return one view, (side, side, 3) uint8."""
    random = np.random.default_rng([seed, photo, number])
    image = _crop(photos, photo, random).render(photos, side)
    drawn = random.random()
    if drawn < MIXED + PASTED:
        other = _crop(photos, int(random.integers(len(photos))), random).render(photos, side)
        share = random.uniform(0.5, 1.0) if drawn < MIXED else _blob(random, side)
        image = np.asarray(share * image + (1 - share) * other, np.float32)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _blob(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Return a mask (side, side, 1): 0 inside a smooth outline that covers an eighth to a half of the view, else 1."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    waves = [random.normal() * 0.5 / k * np.cos(k * angle + random.uniform(0, 7)) for k in range(2, 6)]
    radius = random.uniform(0.18, 0.4) * np.clip(1 + np.sum(waves, axis=0), 0.15, 2)
    centre, stretch = random.uniform(0.25, 0.75, 2), random.uniform(0.7, 1.4)
    outline = centre + radius[:, None] * np.stack([np.cos(angle) * stretch, np.sin(angle) / stretch], 1)
    mask = np.full((side, side), 255, np.uint8)
    cv2.fillPoly(mask, [np.round(outline * side * 256).astype(np.int32)], (0,), cv2.LINE_AA, shift=8)
    return (mask / np.float32(255))[..., None]


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
    mirrored, kind, order = bool(random.random() < 0.5), random.random(), tuple(random.permutation(3).tolist())
    channels = () if kind < GREY else order if kind < GREY + SWAPPED else (0, 1, 2)
    return Crop(photo, left, top, width, height, mirrored, channels, gain, float(random.uniform(-15, 15)))
