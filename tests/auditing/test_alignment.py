from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.scenes import scene
from visionft.auditing.alignment import FEW, Sketch, likeness, sketch
from visionft.auditing.near_duplicates import THRESHOLD

WHITE = (255, 255, 255)


def of(picture: Image.Image) -> Sketch:
    return sketch(np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    "edit",
    [
        lambda p: p.resize((120, 90)),
        ImageOps.mirror,
        lambda p: p.crop((15, 10, 225, 170)),
        lambda p: p.rotate(5, Image.Resampling.BICUBIC, fillcolor=WHITE),
        lambda p: ImageOps.expand(p, 20, WHITE),
        lambda p: p.convert("L"),
        lambda p: p.point(lambda level: min(255, int(level * 1.3))),
        lambda p: ImageOps.expand(ImageOps.mirror(p.rotate(8)), 25, WHITE),
    ],
    ids=["resized", "mirrored", "cropped", "turned", "framed", "grey", "lighter", "turned-mirrored-framed"],
)
def test_an_edit_is_like_its_picture_whichever_comes_first(edit: object) -> None:
    first, second = of(scene(1)), of(edit(scene(1)))  # type: ignore[operator]
    assert likeness(first, second) > THRESHOLD
    assert likeness(second, first) > THRESHOLD


def test_different_pictures_of_one_kind_are_not_alike() -> None:
    sketches = [of(scene(seed)) for seed in range(8)]
    assert max(likeness(a, b) for at, a in enumerate(sketches) for b in sketches[:at]) < 0.25


def test_a_mark_that_a_shop_puts_on_all_its_photos_does_not_make_them_alike() -> None:
    def marked(seed: int) -> Sketch:
        picture = scene(seed)
        pen = ImageDraw.Draw(picture)
        for line in (30, 110):
            pen.text((20, line), "SAMPLE SHOP", font_size=30, fill=WHITE)
        return of(picture)

    assert likeness(marked(1), marked(2)) < THRESHOLD
    assert likeness(marked(1), of(scene(1))) > THRESHOLD


def test_a_picture_is_wholly_like_itself() -> None:
    assert likeness(of(scene(3)), of(scene(3))) == pytest.approx(1.0, abs=1e-4)


def test_the_descriptors_of_a_mirrored_picture_are_those_of_the_picture_in_another_order() -> None:
    grey = np.asarray(scene(4).convert("L"))
    finder = cv2.SIFT_create(nfeatures=60)
    points, plain = finder.detectAndCompute(grey, None)
    turned = [
        cv2.KeyPoint(grey.shape[1] - 1 - p.pt[0], p.pt[1], p.size, (180 - p.angle) % 360, p.response, p.octave)
        for p in points
    ]
    _, wanted = finder.compute(np.ascontiguousarray(grey[:, ::-1]), turned)
    made = Sketch(grey, np.array([p.pt for p in points], np.float32), plain).mirrored().descriptors
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (made, wanted)]
    assert np.median((unit[0] * unit[1]).sum(axis=1)) > 0.95


def test_pictures_without_detail_are_compared_level_by_level() -> None:
    plain, other = (of(Image.new("RGB", (200, 150), (level,) * 3)) for level in (200, 190))
    assert len(plain.points) < FEW
    assert likeness(plain, plain) == 1.0
    assert likeness(plain, other) == 0.0
    assert likeness(plain, of(scene(5))) == 0.0


def test_what_has_to_cover_both_pictures_is_not_alike_where_a_corner_is() -> None:
    whole, corner = of(scene(1)), of(scene(1).crop((120, 90, 240, 180)))
    assert likeness(whole, corner) > THRESHOLD
    assert likeness(whole, corner, 0.6) == likeness(corner, whole, 0.6) == 0
    assert likeness(whole, of(scene(1).resize((160, 120))), 0.6) > THRESHOLD
    plain = of(Image.new("RGB", (90, 90), WHITE))
    assert likeness(plain, plain) == 1
    assert likeness(plain, plain, 0.6) == 0
