"""Crops that grow: their sides, their work, and the views of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visionft.data import Sides, TrainPhotos, prepare
from visionft.settings import AugmentSettings, DataSettings


def test_sides_grow_in_a_line_to_the_last_epoch() -> None:
    assert [Sides(96, 176, 6).at(epoch) for epoch in range(8)] == [96, 112, 128, 144, 160, 176, 176, 176]
    assert [Sides(100, 170, 3).at(epoch) for epoch in range(3)] == [100, 128, 170]
    assert [Sides(100, 104, 4).at(epoch) for epoch in range(4)] == [100, 100, 100, 104]  # never below the first


@pytest.mark.parametrize(("first", "epochs"), [(96, 1), (176, 5)])
def test_one_epoch_or_one_size_is_the_last(first: int, epochs: int) -> None:
    assert {Sides(first, 176, epochs).at(epoch) for epoch in range(6)} == {176}


def test_work_is_the_pixels_of_the_epochs_so_far() -> None:
    sides = Sides(32, 64, 3)
    assert [sides.at(epoch) for epoch in range(3)] == [32, 48, 64]
    assert sides.work(0) == 0
    assert sides.work(1) == 0.25
    assert sides.work(2) == 0.25 + 0.5625
    assert sides.work(2.5) == 0.25 + 0.5625 + 0.5
    assert sides.work(3) == 0.25 + 0.5625 + 1


@pytest.mark.parametrize("strength", ["none", "light"])
def test_views_have_the_side_of_their_epoch_and_the_last_ones_are_those_of_today(
    two_classes: Path, strength: str
) -> None:
    manifest = prepare(two_classes, DataSettings())

    def photos(sides: Sides | None) -> TrainPhotos:
        settings = AugmentSettings(strength=strength)
        return TrainPhotos(manifest.rows("train"), manifest.root, settings, (32, 32), (0, 0, 0), 0, sides=sides)

    growing, constant = photos(Sides(16, 32, 3)), photos(None)
    assert [growing[epoch, 0][0].shape for epoch in range(4)] == [(side, side, 3) for side in (16, 32, 32, 32)]
    np.testing.assert_array_equal(growing[2, 1][0], constant[2, 1][0])
    assert not growing.augment.fixed
    assert constant.augment.fixed == (strength == "none")
