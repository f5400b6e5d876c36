"""Random changes of training photos in three named strengths, or by a pipeline of the user's own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visionft.data.sampler import AGAIN, Purpose, stream
from visionft.data.transforms.decode_crop import Box, Crop, Load, centre_box, shrunk, side_of
from visionft.data.transforms.own_pipeline import built, drawn
from visionft.data.transforms.progressive_resizing import Sides, scaled
from visionft.machine.process_state import environment
from visionft.preprocess import Resize, fitted, padded
from visionft.settings import AugmentSettings

with environment(NO_ALBUMENTATIONS_UPDATE="1"):  # see `own_pipeline`
    import albumentations as A

Pixels = NDArray[np.uint8]
# Share of the photo's area that a random crop keeps: products fill most of a photo; less than a third may show none.
CROP = {"light": (0.35, 1.0), "medium": (0.35, 1.0), "strong": (0.2, 1.0)}
RATIO = (3 / 4, 4 / 3)


class Augment:
    """Change a photo at random; the result is a pure function of (photo, seed, epoch, index).

    Args:
        settings: Named strength, resolved, and flip, or a pipeline in place of both; mixup and CutMix act on batches,
            elsewhere.
        size: (H, W) of the result in pixels.
        fill: RGB in [0, 255] that shows where a photo was turned or erased: the mean, so that it normalises to zero.
        seed: The run's seed.
        sides: Of square results that grow from epoch to epoch to `size`; none: `size` in all.
        resize: How evaluation brings a photo to its input, as `Preprocess` has it. `shortest`: a view is a part of the
            input's shape. `longest`: a part of the photo's own shape, fitted and padded. `squash`: it is stretched.

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
        resize: Resize = "shortest",
    ) -> None:
        if settings.strength == "auto" and settings.pipeline is None:
            raise ValueError("the strength of augmentation is `auto`: resolve it before photos are loaded")
        self.settings, self.size, self.fill, self.seed, self.sides = settings, size, fill, seed, sides
        self.resize: Resize = resize
        self._own = threading.local()

    def __reduce__(self) -> tuple[type[Augment], tuple[Any, ...]]:
        """Go to a process that is not forked as the arguments alone."""
        return Augment, (self.settings, self.size, self.fill, self.seed, self.sides, self.resize)

    @property
    def fixed(self) -> bool:
        """Whether nothing is random about the result."""
        return self.settings.strength == "none" and self.sides is None and self.settings.pipeline is None

    def __call__(self, image: Pixels, epoch: int, index: int) -> Pixels:
        """Return the changed photo, (H, W, 3) uint8 RGB, from (h, w, 3) uint8 RGB of any size."""
        return self.view(lambda _: image, epoch, index)

    def view(self, load: Load, epoch: int, index: int) -> Pixels:
        """Return the changed photo, (H, W, 3) uint8 RGB, from one that is decoded no larger than its crop needs."""
        if self.settings.pipeline is not None:
            return self._piped(load, epoch, index)
        size = self._size(epoch)
        if self.settings.strength == "none":
            return self._whole(load, size, self.size)
        crop, compose = self._changes()
        source = stream(Purpose.AUGMENT, self.seed, epoch, index)
        chance = random.Random(int.from_bytes(source.generate_state(4).tobytes(), "little"))
        crop.py_random = chance
        draw = partial(_box if self.resize == "shortest" else _own_box, crop)
        pixels = Crop(draw, self._inside(size)).of(load)
        if self.settings.flip and chance.random() < 0.5:
            pixels = np.asarray(cv2.flip(pixels, 1), np.uint8)
        if compose is None:
            return padded(pixels, size, self.fill)
        # set_random_seed would start every change from the same number: light and colour would always come together.
        compose.set_random_state(np.random.default_rng(source), chance)
        changed: Pixels = compose(image=pixels)["image"]
        return padded(np.ascontiguousarray(changed), size, self.fill)  # what is no photo stays the fill

    def _whole(self, load: Load, size: tuple[int, int], shape: tuple[int, int]) -> Pixels:
        """Return a photo, where evaluation crops its largest centre of the ratio of `shape`, as (H, W, 3) of `size`."""
        draw = partial(centre_box, size=shape) if self.resize == "shortest" else _all
        return padded(Crop(draw, self._inside(size)).of(load), size, self.fill)

    def _inside(self, size: tuple[int, int]) -> tuple[int, int] | Callable[[int, int], tuple[int, int]]:
        return partial(fitted, box=size) if self.resize == "longest" else size

    def _piped(self, load: Load, epoch: int, index: int) -> Pixels:
        """Give the user's pipeline a photo of at most one and a half crops, and bring what it returns to the size."""
        if not hasattr(self._own, "pipeline"):
            self._own.pipeline = built(str(self.settings.pipeline))
        whole = shrunk(load, side_of(self.size))
        changed = drawn(self._own.pipeline, whole, stream(Purpose.AUGMENT, self.seed, epoch, index))
        size = self._size(epoch)
        if changed.shape[:2] == size:
            return changed
        return self._whole(lambda _: changed, size, size)

    def _size(self, epoch: int) -> tuple[int, int]:
        side = self.sides.at(epoch % AGAIN) if self.sides else None
        return self.size if side is None else scaled(self.size, side)

    def _changes(self) -> tuple[A.RandomResizedCrop, A.Compose | None]:
        """Return this thread's own: albumentations keeps the random state of a call in its objects."""
        if not hasattr(self._own, "changes"):
            strength = self.settings.strength
            listed = _CHANGES[strength](self.fill)
            shape = self.size if self.resize == "shortest" else (1, 1)
            self._own.changes = _crop(strength, shape), A.Compose(listed) if listed else None
        changes: tuple[A.RandomResizedCrop, A.Compose | None] = self._own.changes
        return changes


def _box(crop: A.RandomResizedCrop, height: int, width: int) -> Box:
    found = crop.get_params_dependent_on_data({"shape": (height, width, 3)}, {})
    left, top, right, bottom = found["crop_coords"]
    return top, left, bottom, right


def _own_box(crop: A.RandomResizedCrop, height: int, width: int) -> Box:
    """Draw a part of a square and take the same part of the photo: its shape varies about the photo's own."""
    side = max(height, width)
    top, left, bottom, right = _box(crop, side, side)
    above, before = top * height // side, left * width // side
    return above, before, max(above + 1, bottom * height // side), max(before + 1, right * width // side)


def _all(height: int, width: int) -> Box:
    return 0, 0, height, width


def _crop(strength: str, size: tuple[int, int]) -> A.RandomResizedCrop:
    shape = size[1] / size[0]
    return A.RandomResizedCrop(size, scale=CROP[strength], ratio=(RATIO[0] * shape, RATIO[1] * shape))


class _Erasing(A.Erasing):  # type: ignore[misc]  # albumentations has no types here
    """Random erasing that leaves a strip alone where no hole has room: albumentations 2.0 then forgets a parameter."""

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        return {"seed": 0, **super().get_params_dependent_on_data(params, data)}


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
    return [A.SomeOf(operations, n=2, p=0.9), _Erasing(scale=(0.02, 0.2), fill=fill, p=0.25)]


_CHANGES: dict[str, Callable[[tuple[int, int, int]], list[A.BasicTransform | A.BaseCompose]]] = {
    "none": lambda _: [],
    "light": lambda _: [],
    "medium": _colour,
    "strong": _strong,
}
