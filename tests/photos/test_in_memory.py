"""Photos that a caller holds in memory, as upright RGB pixels of their own."""

from __future__ import annotations

import numpy as np

from tests.photos.test_photo_inputs import noise, only


def test_grey_and_alpha_of_an_array() -> None:
    grey = noise(3, 5)
    for array in (grey, grey[..., None]):
        assert np.array_equal(only(array).load(), np.repeat(grey[..., None], 3, axis=2))
    clear = np.dstack([noise(3, 5, 3), np.zeros((3, 5), np.uint8)])
    assert (only(clear).load() == 255).all()  # alpha 0 over white
    solid = np.dstack([noise(3, 5, 3), np.full((3, 5), 255, np.uint8)])
    assert np.array_equal(only(solid).load(), solid[..., :3])
