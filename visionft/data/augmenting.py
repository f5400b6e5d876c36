"""Random changes of training photos in three named strengths: the one door to albumentations."""

from __future__ import annotations

import os
import random

import numpy as np
from numpy.typing import NDArray

from visionft.data.sampling import Purpose, stream
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

    Raises:
        ValueError: `strength` is still `auto`.
    """

    def __init__(self, settings: AugmentSettings, size: tuple[int, int], fill: tuple[int, int, int], seed: int) -> None:
        if settings.strength == "auto":
            raise ValueError("the strength of augmentation is `auto`: resolve it before photos are loaded")
        self.size, self.seed = size, seed
        self._compose = None if settings.strength == "none" else _recipe(settings.strength, settings.flip, size, fill)

    @property
    def fixed(self) -> bool:
        """Whether nothing is random about the result."""
        return self._compose is None

    def __call__(self, image: Pixels, epoch: int, index: int) -> Pixels:
        """Return the changed photo, (H, W, 3) uint8 RGB, from (h, w, 3) uint8 RGB of any size."""
        if self._compose is None:
            return centre(image, self.size)
        source = stream(Purpose.AUGMENT, self.seed, epoch, index)
        # set_random_seed would start every transform from the same number: flip and colour would always come together.
        self._compose.set_random_state(
            np.random.default_rng(source), random.Random(int.from_bytes(source.generate_state(4).tobytes(), "little"))
        )
        changed: Pixels = self._compose(image=image)["image"]
        return np.ascontiguousarray(changed)


def centre(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Cut the largest centred part of the ratio of `size` (H, W) and resize it, (H, W, 3) uint8."""
    (height, width), (rows, columns) = size, image.shape[:2]
    rows, columns = min(rows, max(1, columns * height // width)), min(columns, max(1, rows * width // height))
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    shrinks = rows > height or columns > width
    part = image[top : top + rows, left : left + columns]
    resized = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.ascontiguousarray(resized, np.uint8)


def _recipe(strength: str, flip: bool, size: tuple[int, int], fill: tuple[int, int, int]) -> A.Compose:
    transforms: list[A.BasicTransform | A.BaseCompose] = [_crop(strength, size)]
    if flip:
        transforms.append(A.HorizontalFlip(p=0.5))
    transforms += {"light": lambda _: [], "medium": _colour, "strong": _strong}[strength](fill)
    return A.Compose(transforms)


def _crop(strength: str, size: tuple[int, int]) -> A.BasicTransform:
    shape = size[1] / size[0]
    # Shrinking by area is antialiased as evaluation is; albumentations' own bilinear is not, and costs accuracy.
    return A.RandomResizedCrop(
        size,
        scale=CROP[strength],
        ratio=(RATIO[0] * shape, RATIO[1] * shape),
        interpolation=cv2.INTER_CUBIC,
        area_for_downscale="image",
    )


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
