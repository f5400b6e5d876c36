"""Inputs that are no squares, from the fit to the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

import visionft as vft
from visionft.data.transforms.augmentation import Augment
from visionft.data.transforms.progressive_resizing import Sides
from visionft.errors import SettingsError, UsageError
from visionft.planning import crop_sizes
from visionft.settings import FitSettings, build


def settings(**flags: Any) -> FitSettings:
    return build("photos", None, **flags)


@pytest.mark.parametrize(
    ("given", "size", "sides"),
    [
        ("192x256", "192x256", (192, 256)), ("128x128", 128, (128, 128)), (96, 96, (96, 96)), ("96", 96, (96, 96)),
        ("016x032", "16x32", (16, 32)), (None, None, None), ("none", None, None),
    ],
)  # fmt: skip
def test_two_sides_may_be_given(given: Any, size: Any, sides: Any) -> None:
    made = settings(**{"preprocess.size": given}).preprocess
    assert (made.size, made.sides) == (size, sides)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("8x64", "--preprocess.size: 8x64 has a side outside 16 to 2048; give one such as 192x256"),
        ("64x4096", "--preprocess.size: 64x4096 has a side outside 16 to 2048; give one such as 192x256"),
        (
            8,
            "--preprocess.size: 8 is less than 16; give a whole number from 16 to 2048, or two such as 192x256",
        ),
        (
            "64*64",
            "--preprocess.size: 64*64 is not a whole number; give a whole number from 16 to 2048, or two such as",
        ),
    ],
)
def test_sides_that_cannot_be(given: Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**{"preprocess.size": given})
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(("side", "size"), [(96, (96, 144)), (64, (64, 96)), (80, (80, 128)), (81, (81, 122))])
def test_crops_have_the_ratio_of_evaluation(side: int, size: tuple[int, int]) -> None:
    made = settings(**{"augment.size": side})
    assert crop_sizes.crop(made, (96, 144)) == size
    assert crop_sizes.crop(made, (144, 96)) == size[::-1]
    assert crop_sizes.crop(made, (224, 224)) == (side, side)


def test_growing_crops_keep_their_ratio() -> None:
    augment = Augment(settings(**{"augment.strength": "none"}).augment, (64, 96), (0, 0, 0), 0, Sides(32, 64, 3))
    shapes = [augment(np.zeros((200, 200, 3), np.uint8), epoch, 0).shape for epoch in range(3)]
    assert shapes == [(32, 48, 3), (48, 64, 3), (64, 96, 3)]


NETWORKS: dict[str, dict[str, Any]] = {
    "convolutions": {"backbone": "test_resnet", "preprocess.size": "48x32", "augment.size": "auto"},
    "patches": {"backbone": "test_vit", "preprocess.size": "64x96", "augment.size": "auto"},
    "low rank, padded": {
        "backbone": "test_vit", "preprocess.size": "96x64", "augment.size": "auto", "method": "lora",
        "preprocess.mode": "pad",
    },
}  # fmt: skip


def through(photos: Path, out: Path, size: tuple[int, int], flags: dict[str, Any]) -> vft.Run:
    """Fit, evaluate, export and predict, and see that all of them have this size."""
    run = vft.fit(photos, out=out / "run", say=lambda _: None, **flags)
    assert run.preprocess.size == run.network().input_size == size
    exported = vft.export(run, out / "bundle")
    assert exported.agreement == 1.0
    by_run, by_bundle = (vft.predict(place, photos / "disc") for place in (run, out / "bundle"))
    assert [row.label for row in by_run] == [row.label for row in by_bundle]
    assert np.allclose([row.probability for row in by_run], [row.probability for row in by_bundle], atol=1e-3)
    assert vft.evaluate(run).metrics.n > 0
    return run


@pytest.mark.parametrize(
    "name",
    [name if name == "convolutions" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS],
)
def test_from_the_fit_to_the_bundle(name: str, shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    flags = {**small, **NETWORKS[name]}
    height, _, width = str(flags["preprocess.size"]).partition("x")
    through(shapes, tmp_path, (int(height), int(width)), flags)


@pytest.mark.slow
def test_weights_that_were_made_for_such_a_size(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model("test_vit", num_classes=5, img_size=(64, 96))
    timm.models.save_for_hf(model, tmp_path / "mine", model_args={"img_size": (64, 96)}, safe_serialization=True)
    flags = {**small, "backbone": f"local-dir:{tmp_path / 'mine'}", "weights": "hub"}
    flags = {**flags, "preprocess.size": None, "augment.size": "auto"}
    run = through(shapes, tmp_path, (64, 96), flags)
    child = vft.fit(
        shapes, out=tmp_path / "child", say=lambda _: None, from_run=run, epochs=1, optim={"batch_size": 8},
        hardware={"device": "cpu", "threads": 1, "precision": "fp32"}, preprocess={"size": "64x96"},
    )  # fmt: skip
    assert child.preprocess.size == (64, 96)
    with pytest.raises(
        UsageError, match=r"--preprocess.size is 96x64, and the run .* to go on from has 64x96; leave it"
    ):
        vft.fit(shapes, out=tmp_path / "x", say=lambda _: None, from_run=run, preprocess={"size": "96x64"})


def test_a_teacher_of_another_shape_is_refused(
    trained: Path, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    flags = {**small, "preprocess.size": "48x32", "distill": trained}
    with pytest.raises(
        UsageError, match=r"sees 32 x 32 pixels and this run 48 x 32, another shape; give --preprocess.s"
    ):
        vft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **flags)


def test_a_teacher_of_the_same_shape_teaches(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    flags = {**small, "preprocess.size": "48x32"}
    teacher_run = vft.fit(shapes, out=tmp_path / "teacher_run", say=lambda _: None, **flags)
    said: list[str] = []
    flags = {**small, "preprocess.size": "96x64", "augment.size": 48, "distill": teacher_run.path}
    run = vft.fit(shapes, out=tmp_path / "run", say=said.append, **flags)
    assert run.preprocess.size == (96, 64)
    assert any("it sees the same views, at 48 x 32 pixels" in line for line in said)
