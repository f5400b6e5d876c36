"""Boxes before pixels: where they lie in a reduced photo, when a photo may be reduced, and how parts are resized."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from visionft.data.transforms.augmentation import Augment
from visionft.data.transforms.decode_crop import DIVISORS, Crop, centre_box, divisor, reduced, resized
from visionft.photos import Reduction, decode
from visionft.settings import AugmentSettings

Pixels = NDArray[np.uint8]


def scene(height: int, width: int) -> Pixels:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def jpeg(pixels: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


sides = st.integers(1, 3000)


@given(st.tuples(sides, sides), st.tuples(sides, sides), st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_a_reduced_box_has_the_pixels_of_the_target_and_lies_in_the_photo(
    corner: tuple[int, int], extent: tuple[int, int], size: tuple[int, int]
) -> None:
    height, width = corner[0] + extent[0], corner[1] + extent[1]
    box = (*corner, height, width)
    n = divisor(box, size)
    top, left, bottom, right = reduced(box, n)
    assert 0 <= top <= bottom <= -(-height // n)
    assert 0 <= left <= right <= -(-width // n)
    assert all(abs(n * small - whole) <= n / 2 for small, whole in zip((top, left, bottom, right), box, strict=True))
    assert n == 1 or (bottom - top >= size[0] and right - left >= size[1])
    assert reduced(box, 1) == box


def test_a_photo_is_reduced_as_far_as_no_pixel_has_to_be_invented() -> None:
    assert [divisor((0, 0, side, side), (100, 100)) for side in (99, 198, 200, 397, 400, 800, 8000)] == [
        1, 1, 2, 2, 4, 8, 8,
    ]  # fmt: skip
    assert divisor((0, 0, 8000, 99), (100, 100)) == 1


@given(st.tuples(sides, sides), st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_centre_is_as_large_as_the_photo_allows(shape: tuple[int, int], size: tuple[int, int]) -> None:
    top, left, bottom, right = centre_box(*shape, size)
    assert 0 <= top < bottom <= shape[0]
    assert 0 <= left < right <= shape[1]
    assert abs(top - (shape[0] - bottom)) <= 1
    assert abs(left - (shape[1] - right)) <= 1
    assert bottom - top == shape[0] or right - left == shape[1]


class Recorder:
    """Loads a JPEG as training does, and remembers what it was allowed."""

    def __init__(self, data: bytes, reducing: bool = True) -> None:
        self.data, self.reducing, self.divisors = data, reducing, list[int]()

    def __call__(self, reduction: Reduction) -> Pixels:
        def asked(height: int, width: int) -> int:
            self.divisors.append(reduction(height, width))
            return self.divisors[-1]

        return decode(self.data, reduction=asked if self.reducing else None)


@pytest.mark.parametrize("n", DIVISORS)
def test_the_same_part_is_seen_in_a_reduced_photo(n: int) -> None:
    data, size = jpeg(scene(48 * n + 3, 64 * n + 5)), (32, 32)
    box = (4 * n, 8 * n, 40 * n, 48 * n)
    load = Recorder(data)
    seen = Crop(lambda _, __: box, size).of(load)
    whole = Crop(lambda _, __: box, size).of(Recorder(data, reducing=False))
    assert load.divisors == [n]
    assert np.abs(seen.astype(int) - whole).mean() < 2
    shifted = Crop(lambda _, __: (0, 0, 36 * n, 40 * n), size).of(Recorder(data, reducing=False))
    assert np.abs(seen.astype(int) - shifted).mean() > 8


def augment(size: int) -> Augment:
    return Augment(AugmentSettings(strength="medium"), (size, size), (0, 0, 0), 0)


def test_a_small_photo_is_decoded_whole_to_the_same_bits() -> None:
    image = scene(90, 120)
    load = Recorder(jpeg(image))
    whole = decode(load.data)
    for index in range(20):
        assert np.array_equal(augment(64).view(load, 0, index), augment(64)(whole, 0, index))
    assert load.divisors == [1] * 20


def test_views_of_a_large_photo_are_those_of_the_whole_one() -> None:
    load = Recorder(jpeg(scene(600, 800)))
    whole = decode(load.data)
    far = [np.abs(augment(64).view(load, 0, i).astype(int) - augment(64)(whole, 0, i)).mean() for i in range(20)]
    assert set(load.divisors) <= {4, 8}
    assert np.mean(far) < 2


@pytest.mark.parametrize("shape", [(32, 32), (40, 44), (45, 32), (46, 20), (320, 300), (20, 20), (1, 900)])
def test_a_constant_stays_constant_and_the_size_is_right(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), (7, 100, 250), np.uint8)
    small = resized(image, (32, 32))
    assert small.shape == (32, 32, 3)
    assert small.flags.c_contiguous
    assert (small == image[0, 0]).all()


@pytest.mark.parametrize("ratio", [1.1, 1.3, 1.4, 1.5, 2.3, 7.7])
def test_shrinking_lets_no_more_alias_than_averages_over_areas(ratio: float) -> None:
    side, target = 1024, round(1024 / ratio)
    waves = [np.sin(np.pi * np.arange(side) * f) for f in np.linspace(1 / ratio, 1, 9)[1:-1]]
    ours, areas = [], []
    for wave in waves:  # each too fine for the target: nothing of it should be left
        image = np.repeat(np.round(127.5 + 127 * wave).astype(np.uint8)[None, :, None], 3, axis=2).repeat(side, axis=0)
        ours.append(resized(image, (target, target)).std())
        areas.append(cv2.resize(image, (target, target), interpolation=cv2.INTER_AREA).std())
    assert np.mean(ours) <= 1.02 * np.mean(areas)


def test_the_filter_that_shrinks_is_pillows() -> None:
    image = scene(200, 260)
    theirs = np.asarray(Image.fromarray(image).resize((130, 100), Image.Resampling.BILINEAR))
    assert np.abs(resized(image, (100, 130)).astype(int) - theirs).max() <= 1


def test_the_photo_is_left_alone_and_may_be_a_view() -> None:
    image = scene(300, 300)
    before = image.copy()
    part = resized(image[10:210, 20:290], (64, 64))
    assert np.array_equal(part, resized(np.ascontiguousarray(image[10:210, 20:290]), (64, 64)))
    assert np.array_equal(image, before)
