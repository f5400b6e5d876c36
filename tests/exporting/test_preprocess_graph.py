from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from tests.exporting.fakes import rendered
from visionft.exporting.onnx_model import OPSET
from visionft.exporting.preprocess_graph import preprocess_part
from visionft.preprocess import Preprocess

STD = (0.229, 0.224, 0.225)
MEAN = (0.485, 0.456, 0.406)
RULES: dict[str, tuple[Any, ...]] = {
    "crop": ((48, 48), "shortest", 55, "bicubic"),
    "crop, wide": ((40, 64), "shortest", 45, "bilinear"),
    "pad and crop": ((48, 48), "longest", 55, "bicubic"),
    "pad, wide": ((40, 64), "longest", 40, "bilinear"),
    "squash and crop": ((48, 48), "squash", 55, "bilinear"),
    "squash and pad": ((48, 48), "squash", 40, "bicubic"),
}
SHAPES = [(120, 90), (91, 123), (200, 201), (48, 48), (55, 55), (30, 20), (17, 31), (5, 7), (1, 1), (1, 9), (9, 1)]
LONG = [(3, 400), (400, 3), (1, 3000), (3000, 1), (1301, 2), (65_535, 1), (1, 65_535)]


ROUNDING = 1e-3
"""Levels: normalisation is done in float32 on both sides."""


def noise(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module", params=RULES)
def half(request: pytest.FixtureRequest) -> tuple[Preprocess, ort.InferenceSession]:
    preprocess = Preprocess(*RULES[request.param], MEAN, STD)
    model = preprocess_part(preprocess, OPSET)
    onnx.checker.check_model(model, full_check=True)
    return preprocess, ort.InferenceSession(model.SerializeToString())


def off(preprocess: Preprocess, pixels: NDArray[np.float32], images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return |difference| of every pixel in levels of 255."""
    truth = np.stack([preprocess.tensor(image) for image in images])
    return np.asarray(np.abs(pixels - truth) * 255 * np.float32(STD)[:, None, None])


@pytest.mark.parametrize("render", [rendered, noise])
def test_photos_of_any_shape_equal_the_reference(
    half: tuple[Preprocess, ort.InferenceSession], render: Callable[[int, int, int], NDArray[np.uint8]]
) -> None:
    preprocess, session = half
    for height, width in SHAPES:
        image = render(height * width, height, width)
        (pixels,) = session.run(None, {"image": image[None]})
        assert pixels.shape == (1, 3, *preprocess.size)
        assert off(preprocess, pixels, [image]).max() < ROUNDING, (height, width)


@pytest.mark.parametrize("render", [rendered, noise])
def test_very_long_photos_equal_the_reference_too(
    half: tuple[Preprocess, ort.InferenceSession], render: Callable[[int, int, int], NDArray[np.uint8]]
) -> None:
    preprocess, session = half
    for height, width in LONG:
        image = render(height, height, width)
        (pixels,) = session.run(None, {"image": image[None]})
        apart = off(preprocess, pixels, [image])
        if max(height, width) < 10_000:
            assert apart.max() < ROUNDING, (height, width)
        else:
            # The reference has PIL resize a part alone where the whole would have millions of pixels: other roundings.
            assert apart.max() < 1 + ROUNDING, (height, width)
            assert (apart > ROUNDING).mean() < 0.02, (height, width)


def test_a_batch_is_its_photos(half: tuple[Preprocess, ort.InferenceSession]) -> None:
    preprocess, session = half
    images = [rendered(seed, 61, 83) for seed in range(3)]

    (pixels,) = session.run(None, {"image": np.stack(images)})

    assert off(preprocess, pixels, images).max() < ROUNDING


def test_the_oldest_version_of_onnx_gives_the_same_pixels() -> None:
    preprocess, image = Preprocess(*RULES["crop"], MEAN, STD), noise(0, 91, 123)[None]
    found = [
        ort.InferenceSession(preprocess_part(preprocess, opset).SerializeToString()).run(None, {"image": image})[0]
        for opset in (18, OPSET)
    ]
    np.testing.assert_array_equal(*found)


def test_no_name_of_this_machine_or_of_the_maker_is_in_it() -> None:
    model = preprocess_part(Preprocess(*RULES["crop"], MEAN, STD), OPSET)
    assert model.producer_name == "visionft"
    assert not model.metadata_props
    assert [value.name for value in model.graph.input] == ["image"]
    assert [value.name for value in model.graph.output] == ["pixels"]
