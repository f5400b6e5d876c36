"""Where straight seams cut a picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tests.scenes import scene
from visionft.auditing.seams import MOST, cropped, parts_of

QUARTERS = [(0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)]


def sheet(columns: int, rows: int, gap: int = 0) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (columns * (240 + gap) - gap, rows * (180 + gap) - gap), (255, 255, 255))
    for at in range(columns * rows):
        place = (at % columns * (240 + gap), at // columns * (180 + gap))
        tile = scene(at, "hat")
        picture.paste(ImageOps.invert(tile) if (at % columns + at // columns) % 2 else tile, place)
    return np.asarray(picture)


def has(parts: list[tuple[float, float, float, float]], wanted: tuple[float, ...], near: float = 0.02) -> bool:
    return any(np.abs(np.subtract(part, wanted)).max() < near for part in parts)


@pytest.mark.parametrize("gap", [0, 8])
def test_the_photos_of_a_collage_are_its_parts_with_a_gap_between_them_or_none(gap: int) -> None:
    parts = parts_of(sheet(2, 2, gap))
    assert all(has(parts, quarter, 0.03) for quarter in QUARTERS)
    assert len(parts) <= MOST


def test_three_photos_in_a_row_are_cut_one_after_the_other() -> None:
    parts = parts_of(sheet(3, 1))
    assert all(has(parts, (at / 3, 0, (at + 1) / 3, 1)) for at in range(3))


def test_a_photo_of_many_things_and_one_without_any_have_no_parts() -> None:
    assert [parts_of(np.asarray(scene(seed))) for seed in range(6)] == [[]] * 6
    assert parts_of(np.full((90, 90, 3), 128, np.uint8)) == []
    assert parts_of(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 2), (48, 48)])
def test_a_small_or_long_photo_is_no_trouble(size: tuple[int, int]) -> None:
    halves = np.zeros((*size, 3), np.uint8)
    halves[: size[0] // 2] = 255
    assert len(parts_of(halves)) in (0, 2)


def test_a_part_has_a_pixel_at_least() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert cropped(pixels, (0.5, 0, 1, 0.5)).tolist() == pixels[:2, 3:].tolist()
    assert cropped(pixels, (1.0, 1.0, 1.0, 1.0)).shape == (1, 1, 3)
