"""The figures of one photo, of pictures whose figures are known."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from visionft.auditing.measures import file_kind, measure, shrunken


def noise(height: int = 100, width: int = 150) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("size", "kept"), [((448, 224), (224, 112)), ((224, 10), (224, 10)), ((1, 2240), (1, 224))])
def test_the_longer_side_is_shrunken_and_small_photos_stay(size: tuple[int, int], kept: tuple[int, int]) -> None:
    photo = noise(*size)
    found = shrunken(photo)
    assert found.shape == (*kept, 3)
    assert (found is photo) == (size == kept)


def test_one_grey_has_no_contrast_and_no_edges() -> None:
    found = measure(np.full((60, 90, 3), 40, np.uint8))
    assert (found.width, found.height) == (90, 60)
    assert (found.low, found.mean, found.high, found.contrast, found.sharpness) == (40, 40, 40, 0, 0)
    assert found.colourless


def test_halves_of_black_and_white_have_the_figures_of_a_coin() -> None:
    photo = np.zeros((100, 100, 3), np.uint8)
    photo[:, 50:] = 255
    found = measure(photo)
    assert (found.low, found.high, found.mean, found.contrast) == (0, 255, 127.5, 127.5)


def test_colour_is_seen_in_one_channel_of_a_part() -> None:
    photo = np.full((100, 100, 3), 128, np.uint8)
    photo[:10, :, 0] = 200
    assert not measure(photo).colourless
    photo[:10, :, 0] = 134  # what chroma subsampling alone makes
    assert measure(photo).colourless


def test_a_mirrored_picture_has_the_hashes_the_other_way_round() -> None:
    photo = noise()
    one, other = measure(photo), measure(np.ascontiguousarray(photo[:, ::-1]))
    assert (one.phash, one.mirrored) == (other.mirrored, other.phash)
    assert one.phash != one.mirrored
    assert 0 <= one.phash < 1 << 64


def test_a_blurred_picture_is_less_sharp() -> None:
    photo = noise()
    blurred = np.asarray(Image.fromarray(photo).resize((30, 20)).resize((150, 100)))
    assert measure(blurred).sharpness < measure(photo).sharpness / 10


def test_the_kind_of_a_file_is_what_its_bytes_are() -> None:
    for kind, mode in (("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "RGBA")):
        file = BytesIO()
        Image.new(mode, (4, 4)).save(file, kind)
        assert file_kind(file.getvalue()) == (kind, mode)
    assert file_kind(b"no photo") == ("", "")
