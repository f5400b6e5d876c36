"""Photos that a caller holds in memory, as upright RGB pixels of their own."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.photos.test_photo_inputs import noise, only
from visionft.errors import PhotoError
from visionft.photos.in_memory import bytes_of_file, picture_of_memory


def test_grey_and_alpha_of_an_array() -> None:
    grey = noise(3, 5)
    for array in (grey, grey[..., None]):
        assert np.array_equal(only(array).load(), np.repeat(grey[..., None], 3, axis=2))
    clear = np.dstack([noise(3, 5, 3), np.zeros((3, 5), np.uint8)])
    assert (only(clear).load() == 255).all()  # alpha 0 over white
    solid = np.dstack([noise(3, 5, 3), np.full((3, 5), 255, np.uint8)])
    assert np.array_equal(only(solid).load(), solid[..., :3])


def test_what_is_kept_of_a_photo_is_its_file_unread_or_its_own_pixels(tmp_path: Path) -> None:
    levels = noise(9, 7, 3)
    Image.fromarray(levels).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for photo in (data, bytearray(data), memoryview(data)):
        assert picture_of_memory(photo) == data
    with Image.open(tmp_path / "a.png") as unread:
        assert picture_of_memory(unread) == data
        unread.load()
        np.testing.assert_array_equal(picture_of_memory(unread), levels)
    kept = picture_of_memory(levels)
    np.testing.assert_array_equal(kept, levels)
    assert not np.shares_memory(np.asarray(kept), levels)
    tensor = torch.from_numpy(levels).permute(2, 0, 1)
    np.testing.assert_array_equal(picture_of_memory(tensor), levels)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (torch.zeros(3, 4, 4), r"a tensor of torch\.float32 and shape \(3, 4, 4\): give uint8 \(C, H, W\), without a"),
        (torch.zeros(4, 4, dtype=torch.uint8), r"a tensor of torch\.uint8 and shape \(4, 4\)"),
        (np.zeros((4, 4), np.int16), "an array of int16: give uint8 levels from 0 to 255"),
        ("a.jpg", "a value of type str: give a path, a file's bytes, a picture of PIL or an array of uint8"),
    ],
)
def test_what_is_no_photo_in_memory_is_one_reason(photo: Any, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        picture_of_memory(photo)


def test_an_open_file_is_read_from_its_start_and_only_if_it_begins_like_a_photo() -> None:
    file = BytesIO()
    Image.fromarray(noise(5, 5, 3)).save(file, "PNG")
    assert bytes_of_file(file) == file.getvalue()
    long = BytesIO(b"text" * 1000)
    with pytest.raises(PhotoError, match="not an image"):
        bytes_of_file(long)
    assert long.tell() <= 1024
