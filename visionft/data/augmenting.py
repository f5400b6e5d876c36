"""Random changes of training photos in three named strengths: the one door to albumentations."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from visionft.data.cropping import Box, Crop, Load, centre_box
from visionft.data.sampling import Purpose, stream
from visionft.data.sizing import Sides
from visionft.settings import AugmentSettings

# albumentations asks PyPI for a newer version at import unless told not to; no import of ours reaches the network.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A
import cv2

Pixels = NDArray[np.uint8]
# Share of the photo's area that a random crop keeps: products fill most of a photo; less than a third may show none.
CROP = {"light": (0.35, 1.0), "medium": (0.35, 1.0), "strong": (0.2, 1.0)}
RATIO = (3 / 4, 4 / 3)


class Augment:
    """Change a photo at random; the result is a pure function of (photo, seed, epoch, index).

    Args:
        settings: Named strength, resolved, and flip; mixup and CutMix act on batches, elsewhere.
        size: (H, W) of the result in pixels.
        fill: RGB in [0, 255] that shows where a photo was turned or erased: the mean, so that it normalises to zero.
        seed: The run's seed.
        sides: Of square results that grow from epoch to epoch to `size`; none: `size` in all.

    Raises:
        ValueError: `strength` is still `auto`.
    """

    def __init__(
        self,
        settings: AugmentSettings,
        size: tuple[int, int],
        fill: tuple[int, int, int],
        seed: int,
        sides: Sides | None = None,
    ) -> None:
        if settings.strength == "auto":
            raise ValueError("the strength of augmentation is `auto`: resolve it before photos are loaded")
        self.size, self.sides, self.flip, self.seed = size, sides, settings.flip, seed
        self._crop = None if settings.strength == "none" else _crop(settings.strength, size)
        changes = _CHANGES[settings.strength](fill)
        self._compose = A.Compose(changes) if changes else None

    @property
    def fixed(self) -> bool:
        """Whether nothing is random about the result."""
        return self._crop is None and self.sides is None

    def __call__(self, image: Pixels, epoch: int, index: int) -> Pixels:
        """Return the changed photo, (H, W, 3) uint8 RGB, from (h, w, 3) uint8 RGB of any size."""
        return self.view(lambda _: image, epoch, index)

    def view(self, load: Load, epoch: int, index: int) -> Pixels:
        """Return the changed photo, (H, W, 3) uint8 RGB, from one that is decoded no larger than its crop needs."""
        if self._crop is None:
            return Crop(partial(centre_box, size=self.size), self._size(epoch)).of(load)
        source = stream(Purpose.AUGMENT, self.seed, epoch, index)
        chance = random.Random(int.from_bytes(source.generate_state(4).tobytes(), "little"))
        self._crop.py_random = chance
        pixels = Crop(self._draw, self._size(epoch)).of(load)
        if self.flip and chance.random() < 0.5:
            pixels = np.asarray(cv2.flip(pixels, 1), np.uint8)
        if self._compose is None:
            return pixels
        # set_random_seed would start every change from the same number: light and colour would always come together.
        self._compose.set_random_state(np.random.default_rng(source), chance)
        changed: Pixels = self._compose(image=pixels)["image"]
        return np.ascontiguousarray(changed)

    def _size(self, epoch: int) -> tuple[int, int]:
        side = self.sides.at(epoch) if self.sides else None
        return self.size if side is None else (side, side)

    def _draw(self, height: int, width: int) -> Box:
        assert self._crop is not None, "asked for where crops are random alone"
        left, top, right, bottom = self._crop.get_params_dependent_on_data({"shape": (height, width, 3)}, {})[
            "crop_coords"
        ]
        return top, left, bottom, right


def _crop(strength: str, size: tuple[int, int]) -> A.RandomResizedCrop:
    shape = size[1] / size[0]
    return A.RandomResizedCrop(size, scale=CROP[strength], ratio=(RATIO[0] * shape, RATIO[1] * shape))


def _colour(_: tuple[int, int, int]) -> list[A.BasicTransform | A.BaseCompose]:
    return [
        A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.6),
        A.HueSaturationValue(hue_shift_limit=6, sat_shift_limit=20, val_shift_limit=0, p=0.3),
        A.RandomGamma(gamma_limit=(80, 125), p=0.2),
    ]


def _strong(fill: tuple[int, int, int]) -> list[A.BasicTransform | A.BaseCompose]:
    """Two random operations of RandAugment's kind (arXiv 1909.13719), then random erasing (arXiv 1708.04896)."""
    operations: list[A.BasicTransform | A.BaseCompose] = [
        A.Affine(rotate=(-20, 20), shear=(-10, 10), fill=fill, p=1.0),
        A.Affine(translate_percent=(-0.15, 0.15), fill=fill, p=1.0),
        A.RandomBrightnessContrast(brightness_limit=0.35, contrast_limit=0.35, p=1.0),
        A.HueSaturationValue(hue_shift_limit=10, sat_shift_limit=40, val_shift_limit=0, p=1.0),
        A.RandomGamma(gamma_limit=(60, 160), p=1.0),
        A.Posterize(num_bits=4, p=1.0),
        A.Equalize(p=1.0),
        A.Sharpen(p=1.0),
        A.GaussianBlur(sigma_limit=(0.3, 1.5), p=1.0),
    ]
    return [A.SomeOf(operations, n=2, p=0.9), A.Erasing(scale=(0.02, 0.2), fill=fill, p=0.25)]


_CHANGES: dict[str, Callable[[tuple[int, int, int]], list[A.BasicTransform | A.BaseCompose]]] = {
    "none": lambda _: [],
    "light": lambda _: [],
    "medium": _colour,
    "strong": _strong,
}
