"""augmented.png: the pixels that training saw, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visionft.data import TrainPhotos
from visionft.reporting.views import GAP, PHOTOS, SIDE, write_views
from visionft.runs import Run


@pytest.fixture
def sheet(trained: Path, tmp_path: Path) -> np.ndarray:
    run = Run.open(trained)
    write_views(run, run.manifest(), run.manifest().root, tmp_path / "views.png")
    with Image.open(tmp_path / "views.png") as picture:
        return np.asarray(picture)


def cell(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = (GAP + place * (SIDE + GAP) for place in (row, column))
    return sheet[top : top + SIDE, left : left + SIDE]


def test_a_row_is_a_photo_and_an_epoch_a_view(sheet: np.ndarray, trained: Path) -> None:
    assert sheet.shape == (GAP + PHOTOS * (SIDE + GAP), GAP + 2 * (SIDE + GAP), 3), "one epoch was trained"


def test_the_views_are_those_of_the_training(sheet: np.ndarray, trained: Path) -> None:
    run = Run.open(trained)
    rows = run.manifest().rows("train")
    photos = TrainPhotos(
        rows, run.manifest().root, run.settings.augment, (32, 32), run.preprocess.fill, run.settings.seed
    )
    for row, place in ((0, 0), (PHOTOS - 1, len(rows) - 1)):
        view = photos[(0, place)][0]
        larger = np.repeat(np.repeat(view, SIDE // 32, axis=0), SIDE // 32, axis=1)
        assert (cell(sheet, row, 1) == larger).all()
