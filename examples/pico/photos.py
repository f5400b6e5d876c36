"""Photos decoded once: squashed to one size in a memory map, the ratio of their sides beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import visionft as vft
from visionft import data
from visionft.errors import DataError, VisionftError
from visionft.photos import read

SIDE = 224
"""Pixels: crops for a teacher of 160 are mostly shrunk from it."""


@dataclass(frozen=True)
class Photos:
    """Training photos of all sets.

    Attributes:
        key: names the photos.
        pixels: (N, SIDE, SIDE, 3) uint8, each photo squashed to a square.
        ratios: (N,) width over height before that.
    """

    key: str
    pixels: NDArray[np.uint8]
    ratios: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ratios)


def training_photos(sets: Sequence[Path]) -> list[Path]:
    """Return the photos of the train splits; validation and test photos are never touched."""
    found: list[Path] = []
    for place in sets:
        manifest = data.prepare(place, vft.DataSettings())
        found += [manifest.root / path for path in manifest.rows("train").paths]
    return found


def decoded(sets: Sequence[Path], folder: Path, also: Sequence[Path] = ()) -> Photos:
    """Decode the train splits, and all of `also`, into `folder`, or open what an earlier call decoded there.

    Raises:
        DataError: a folder of `also` holds no picture.
    """
    paths = training_photos(sets)
    for place in also:
        pictures = sorted(place.glob("*.jpg"))
        if not pictures:
            raise DataError(f"--also: {place} holds no .jpg; render scenes into it, or leave it out")
        paths += pictures
    key = hashlib.sha256("\n".join(map(str, paths)).encode()).hexdigest()[:16]
    pixels, notes = folder / f"pixels-{key}.npy", folder / f"ratios-{key}.json"
    if not notes.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shape = (len(paths), SIDE, SIDE, 3)
        table = np.lib.format.open_memmap(pixels, mode="w+", dtype=np.uint8, shape=shape)
        ratios = []
        for i, image in enumerate(_readable(paths)):
            table[i] = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            ratios.append(image.shape[1] / image.shape[0])
        table.flush()
        notes.write_text(json.dumps(ratios))
    ratios = json.loads(notes.read_text())
    return Photos(key, np.load(pixels, mmap_mode="r")[: len(ratios)], np.array(ratios))


def _readable(paths: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    for path in paths:
        try:
            yield read(path)
        except VisionftError as error:
            print(f"left out: {path} ({error})")
