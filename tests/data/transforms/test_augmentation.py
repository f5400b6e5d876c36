from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from typing import Literal

import albumentations as A
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from visionft.data.transforms.augmentation import Augment, _crop, _own_box
from visionft.data.transforms.own_pipeline import pipeline_text
from visionft.preprocess import Preprocess, Resize
from visionft.settings import AugmentSettings

Strength = Literal["none", "light", "medium", "strong"]
STRENGTHS: tuple[Strength, ...] = ("none", "light", "medium", "strong")
FILL = (124, 116, 104)


def photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def augment(strength: Strength, size: tuple[int, int] = (32, 32), seed: int = 0, flip: bool = True) -> Augment:
    return Augment(AugmentSettings(strength=strength, flip=flip), size, FILL, seed)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("shape", [(50, 80), (10, 12), (1, 3000), (3000, 1), (32, 32)])
def test_any_photo_becomes_pixels_of_the_size(strength: Strength, shape: tuple[int, int]) -> None:
    changed = augment(strength, (32, 48))(photo(*shape), 0, 0)
    assert (changed.shape, str(changed.dtype), changed.flags.c_contiguous) == ((32, 48, 3), "uint8", True)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_sample_depends_on_seed_epoch_and_index_and_on_nothing_before_it(strength: Strength) -> None:
    image, first, second = photo(60, 60), augment(strength), augment(strength)
    keys = [(epoch, index) for epoch in range(3) for index in range(8)]
    forwards = {key: first(image, *key) for key in keys}
    backwards = {key: second(image, *key) for key in reversed(keys)}
    assert all(np.array_equal(forwards[key], backwards[key]) for key in keys)
    distinct = len({changed.tobytes() for changed in forwards.values()})
    assert distinct == (1 if strength == "none" else len(keys))


def test_the_seed_changes_every_sample() -> None:
    image = photo(60, 60)
    assert all(
        not np.array_equal(augment("light", seed=1)(image, 0, i), augment("light", seed=2)(image, 0, i))
        for i in range(8)
    )


def test_the_photo_itself_is_left_alone() -> None:
    image = photo(60, 60)
    before = image.copy()
    for index in range(20):
        augment("strong")(image, 0, index)
    assert np.array_equal(image, before)


def test_flip_can_be_switched_off() -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    rising = [
        bool(augment("light", flip=flip)(ramp, 0, i)[0, -1, 0] > 128) for flip in (True, False) for i in range(40)
    ]
    assert 5 < sum(rising[:40]) < 35
    assert all(rising[40:])


def test_flip_and_colour_are_drawn_independently() -> None:
    ramp = np.repeat(np.linspace(60, 120, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    plain, coloured = augment("light"), augment("medium")
    seen = set()
    for index in range(60):
        changed = coloured(ramp, 0, index)
        same_colour = np.array_equal(changed, plain(ramp, 0, index))
        seen.add((bool(changed[0, -1, 0] > changed[0, 0, 0]), same_colour))
    assert len(seen) == 4


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    for strength in ("none", "light"):
        changed = augment(strength)(stripes, 0, 0)
        assert np.abs(changed.astype(int) - 128).max() < 30


def test_strengths_change_a_photo_more_and_more() -> None:
    image = photo(64, 64)
    base = augment("none")(image, 0, 0).astype(int)
    change = [
        np.mean([np.abs(augment(s)(image, 0, i).astype(int) - base).mean() for i in range(60)]) for s in STRENGTHS
    ]
    assert change[0] == 0
    assert change == sorted(change)


def test_it_can_be_sent_to_a_worker() -> None:
    image, original = photo(60, 60), augment("strong")
    copy = pickle.loads(pickle.dumps(original))
    assert np.array_equal(copy(image, 2, 3), original(image, 2, 3))


def test_an_unresolved_strength_is_refused() -> None:
    with pytest.raises(ValueError, match="resolve it before photos are loaded"):
        Augment(AugmentSettings(), (32, 32), FILL, 0)


def test_albumentations_does_not_ask_the_network_for_its_version() -> None:
    code = (
        "import os, urllib.request;"
        "urllib.request.urlopen = lambda *_, **__: os._exit(3);"
        "import visionft.data.transforms.augmentation; assert 'NO_ALBUMENTATIONS_UPDATE' not in os.environ"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


TALL = (90, 30)


def shaped(resize: Resize, strength: Strength = "light", size: tuple[int, int] = (32, 32)) -> Augment:
    return Augment(AugmentSettings(strength=strength), size, FILL, 0, resize=resize)


@pytest.mark.parametrize("resize", ["longest", "squash"])
@pytest.mark.parametrize("shape", [TALL, (64, 200), (70, 70), (640, 33)])
def test_without_changes_a_view_is_what_evaluation_sees(resize: Resize, shape: tuple[int, int]) -> None:
    seen = shaped(resize, "none", (32, 48))(photo(*shape), 0, 0)
    evaluated = Preprocess((32, 48), resize, 32, "bilinear", (0.5,) * 3, (0.5,) * 3, FILL).pixels(photo(*shape))
    assert np.abs(seen.astype(int) - evaluated).max() <= 1


def test_parts_of_a_photo_have_about_its_own_shape_and_reach_everywhere() -> None:
    draw, covered = _crop("light", (1, 1)), np.zeros(TALL, int)
    draw.py_random = random.Random(0)
    boxes = [_own_box(draw, *TALL) for _ in range(300)]
    for top, left, bottom, right in boxes:
        covered[top:bottom, left:right] += 1
        assert 0.3 < (bottom - top) * (right - left) / (90 * 30) <= 1
        assert 3 / 4 - 0.1 < (bottom - top) / (right - left) / 3 < 4 / 3 + 0.1
    assert covered.min() > 0


@pytest.mark.parametrize("strength", ["light", "medium", "strong"])
def test_no_change_touches_what_is_padded(strength: Strength) -> None:
    for index in range(20):
        view = shaped("longest", strength)(np.full((*TALL, 3), 250, np.uint8), 0, index)
        assert (view[:, :10] == FILL).all()
        assert (view[:, 21:] == FILL).all()
        assert not (view[:, 10:21] == FILL).all()


@pytest.mark.parametrize("resize", ["longest", "squash"])
@pytest.mark.parametrize("shape", [(50, 80), (1, 3000), (3000, 1), (32, 32)])
def test_any_photo_becomes_pixels_of_the_size_in_every_mode(resize: Resize, shape: tuple[int, int]) -> None:
    changes = shaped(resize, "strong", (32, 48))
    for index in range(10):
        assert changes(photo(*shape), 0, index).shape == (32, 48, 3)
    assert np.array_equal(pickle.loads(pickle.dumps(changes))(photo(*shape), 0, 3), changes(photo(*shape), 0, 3))


def test_views_of_a_square_are_the_same_in_every_mode() -> None:
    views = [shaped(resize, "strong")(photo(60, 60), 1, 5) for resize in ("shortest", "longest", "squash")]
    assert np.array_equal(views[0], views[1])
    assert np.array_equal(views[0], views[2])


def test_a_pipeline_ends_as_the_mode_has_it() -> None:
    corner = np.zeros((90, 60, 3), np.uint8)
    corner[:20] = 255
    views = [
        Augment(AugmentSettings(pipeline=pipeline_text(A.NoOp())), (30, 30), FILL, 0, resize=resize)(corner, 0, 0)
        for resize in ("longest", "squash")
    ]
    assert (views[0][:, :5] == FILL).all()
    assert (views[0][0, 5:25] > 250).all()
    assert (views[1][0] > 250).all()
