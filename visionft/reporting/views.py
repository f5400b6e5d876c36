"""Training photos as the network saw them: a sheet of several views of several photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.data import EvalPhotos, Manifest, Rows, TrainPhotos
from visionft.planning import crop_sizes
from visionft.runs import Run

PHOTOS, VIEWS = 8, 6
SIDE, GAP = 160, 4  # pixels
Pixels = NDArray[np.uint8]


def write_views(run: Run, manifest: Manifest, root: Path, path: Path) -> None:
    """Write a PNG with a row a photo: as evaluation has it, and then as the first epochs of training had it.

    A run that trained nothing by epochs saw each photo as evaluation has it, and nothing else stands there.

    Args:
        run: finished.
        manifest: its photos.
        root: the folder that they are in now.
        path: the file.

    Raises:
        DataError: a photo is gone.
    """
    every = manifest.rows("train")
    places = _places(every)
    rows = every.take(places)
    plain = EvalPhotos(rows, root, run.preprocess)
    sheet = [[_fitted(plain[index][0])] for index in range(len(rows))]
    if run.settings.epochs:
        for index, place in enumerate(places):
            sheet[index] += [_fitted(view) for view in _views(run, every, root, int(place))]
    Image.fromarray(_joined(sheet)).save(path, "PNG")


def _places(rows: Rows) -> NDArray[np.int64]:
    """Return the places of some photos from all over a split, of as many classes as can be."""
    _, firsts = np.unique(rows.labels, return_index=True, axis=0)
    if len(firsts) >= PHOTOS:
        chosen = firsts[np.linspace(0, len(firsts) - 1, PHOTOS).round().astype(np.int64)]
    else:
        chosen = np.linspace(0, len(rows) - 1, min(PHOTOS, len(rows))).round().astype(np.int64)
    return np.unique(chosen).astype(np.int64)


def _views(run: Run, rows: Rows, root: Path, place: int) -> list[Pixels]:
    """Return the views of one photo in the first epochs, as training drew them, at their final size."""
    settings = run.settings
    again = settings.augment.views if isinstance(settings.augment.views, int) else VIEWS
    size = crop_sizes.crop(settings, run.preprocess.size)
    photos = TrainPhotos(
        rows, root, settings.augment, size, run.preprocess.fill, settings.seed, resize=run.preprocess.resize
    )
    return [photos[(epoch, place)][0] for epoch in range(min(VIEWS, int(settings.epochs), again))]


def _fitted(pixels: Pixels) -> Pixels:
    """Return pixels (h, w, 3) in a square of `SIDE`, on white."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    if max(picture.size) < SIDE:
        scale = SIDE / max(picture.size)
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.NEAREST
        )
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return np.asarray(square, np.uint8)


def _joined(sheet: list[list[Pixels]]) -> Pixels:
    step = SIDE + GAP
    canvas = np.full((len(sheet) * step + GAP, len(sheet[0]) * step + GAP, 3), 255, np.uint8)
    for y, row in enumerate(sheet):
        for x, pixels in enumerate(row):
            canvas[GAP + y * step : GAP + y * step + SIDE, GAP + x * step : GAP + x * step + SIDE] = pixels
    return canvas
