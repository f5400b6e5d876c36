"""Golden vectors: a few photos, their raw RGB and the trained model's answers, to check a bundle anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.bundle.names import EXPECTED_FILE
from visionft.bundle.schema import GoldenRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Answerer
from visionft.exporting.shipping import shipping_of
from visionft.tasks.registry import DEFAULT

GOLDEN_PHOTOS = 8
"""Enough for several shapes and classes, few enough to be copied everywhere."""
LARGEST_SIDE = 1024
"""Pixels; larger photos are shrunk, since raw RGB of a phone's photo has 36 MB."""


def write_golden(
    place: Path,
    photos: Sequence[Photo],
    trained: Answerer,
    classes: Classes,
    tolerances: Mapping[str, float] | None = None,
    task: str = DEFAULT,
) -> GoldenRecord:
    """Write NN.png, NN.npy and expected.json into a new folder.

    The PNG holds decoded pixels and nothing else: no EXIF, no place, no camera. The trained model gives the answers.

    Args:
        place: `golden/` of a bundle, or a folder below it.
        photos: at most `GOLDEN_PHOTOS` are taken, from the first on.
        trained: the trained model, or its shrunken form.
        classes: names in the order of the logits.
        tolerances: of the record, where they are not its own.
        task: what is answered.
    """
    place.mkdir(parents=True)
    shipping = shipping_of(task)
    images = [_shrunk(photo.image) for photo in photos[:GOLDEN_PHOTOS]]
    answers = [
        _write_photo(place, i, image) | dict(shipping.expected(image, trained, classes))
        for i, image in enumerate(images)
    ]
    record = GoldenRecord(kind="photos", n=len(images), **(tolerances or {}))
    content = {"tolerance": record.tolerance, "score_tolerance": record.score_tolerance, "photos": answers}
    (place / EXPECTED_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return np.ascontiguousarray(picture)


def _write_photo(place: Path, number: int, image: NDArray[np.uint8]) -> dict[str, object]:
    photo, pixels = f"{number:02}.png", f"{number:02}.npy"
    Image.fromarray(image).save(place / photo)
    np.save(place / pixels, image, allow_pickle=False)
    return {"photo": photo, "pixels": pixels}
