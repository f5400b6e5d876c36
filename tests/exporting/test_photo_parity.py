"""The loops over photos that every task's parity check has, and the largest differences that it keeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visionft.errors import ParityError
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, Worst, compare_each, compare_sample
from visionft.exporting.stage_parity import CHUNK, STAGE_PHOTOS


def test_every_photo_is_told_beside_its_truth_and_the_first_are_kept() -> None:
    """The bundle answers with a photo's first pixel, and the trained model with that of each of a chunk."""
    photos = [Photo(f"{at}.jpg", 0, np.full((1, 1, 3), at, np.uint8)) for at in range(CHUNK + STAGE_PHOTOS + 1)]
    session = SimpleNamespace(answer=lambda image: int(image[0, 0, 0]))
    trained = SimpleNamespace(of=lambda images: [int(image[0, 0, 0]) for image in images])
    told, steps = list[tuple[str, int, int]](), list[tuple[str, int, int]]()

    def note(photo: Photo, answer: int, truth: list[int], place: int) -> None:
        told.append((photo.path, answer, truth[place]))

    def progress(*step: Any) -> None:
        steps.append(step)

    given: Any = (session, trained)
    done, first = compare_each(*given, iter(photos), 70, progress, note)
    assert told == [(f"{at}.jpg", at, at) for at in range(len(photos))]
    assert (done, first) == (len(photos), photos[:STAGE_PHOTOS])
    assert steps == [("checking", 32, 70), ("checking", 64, 70), ("checking", 65, 70)]
    with pytest.raises(ParityError, match="there is no readable validation photo to check the exported model on"):
        compare_each(*given, iter(()), 3, None, note)


def test_a_sample_is_asked_with_its_mirror_images_and_the_network_half_by_itself() -> None:
    photos = [Photo(f"{at}.jpg", 0, np.array([[[at] * 3, [at + 100] * 3]], np.uint8)) for at in (1, 2)]
    session = SimpleNamespace(answer_batch=lambda images: [int(image[0, 0, 0]) for image in images])
    trained = SimpleNamespace(of=lambda images: SimpleNamespace(pixels=len(images)))
    stages = SimpleNamespace(
        batches=lambda pixels: [("in batches of 1", np.full(pixels, 7.0))], pixel_difference=lambda images: len(images)
    )
    told, outputs = list[tuple[str, int, int]](), list[tuple[str, list[float]]]()

    def note(photo: Photo, answer: int, truth: Any, place: int) -> None:
        told.append((photo.path, answer, place))

    def note_outputs(check: str, found: Any, truth: Any) -> None:
        outputs.append((check, found.tolist()))

    given: Any = (session, trained, stages)
    assert compare_sample(*given, photos, note, note_outputs) == 2
    assert told == [("1.jpg", 1, 0), ("1.jpg", 101, 1), ("2.jpg", 2, 2), ("2.jpg", 102, 3)]
    assert outputs == [("in batches of 1", [7.0] * 4)]


def test_the_worst_names_its_check_its_photo_and_the_half() -> None:
    worst = Worst()
    worst.note(TOGETHER, np.array([0.5]), np.array([0.5001]))
    worst.note(WHOLE, np.array([0.5, 0.5]), np.array([0.5, 0.502]), "a.jpg")
    worst.note(WHOLE, np.array([0.5]), np.array([0.501]), "b.jpg")
    assert worst.largest == pytest.approx(0.002)
    worst.require("values", 0.003, 0.0)
    with pytest.raises(
        ParityError,
        match=r"values differ by up to 0.002, and 0.001 may \(each photo at its own size, first a.jpg\); the n",
    ):
        worst.require("values", 0.001, 0.0)
    with pytest.raises(ParityError, match="the preprocess half is at fault: pixels differ by 9 levels"):
        worst.require("values", 0.001, 9.0)


def test_exactly_what_is_allowed_is_too_much_and_no_number_is_more_than_any() -> None:
    worst = Worst()
    worst.note(WHOLE, np.array([1.0]), np.array([0.5]), "a.jpg")
    with pytest.raises(ParityError):
        worst.require("values", 0.5, 0.0)
    worst.note(WHOLE, np.array([np.nan]), np.array([0.5]), "b.jpg")
    assert worst.first == (np.inf, "b.jpg")
    with pytest.raises(ParityError, match=r"differ by up to inf, .* first b.jpg"):
        worst.require("values", 1e9, 0.0)
