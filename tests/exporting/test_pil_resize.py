from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image
from torch.nn import functional as F

from visionft.exporting.graph_builder import GraphBuilder
from visionft.exporting.pil_resize import resize
from visionft.preprocess import Interpolation

FILTERS: dict[Interpolation, Image.Resampling] = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}
SIDES = [(90, 60), (60, 90), (64, 128), (7, 7), (1, 5), (5, 1), (300, 11), (101, 100), (1333, 248), (4000, 248)]
Levels = NDArray[np.uint8]


def noise(seed: int, *shape: int) -> Levels:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def extremes(seed: int, *shape: int) -> Levels:
    """Return black and white alone: the largest overshoot and the largest sums."""
    return np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), shape)


def columns_first(image: Levels) -> Levels:
    return image.transpose(1, 0, 2).reshape(image.shape[1], -1)


def resized(x: Levels, *sides: int, interpolation: Interpolation, skipped: int = 0) -> NDArray[np.float32]:
    """Run one pass alone: x (L, M), then the old side, the new one, the first pixel to keep and how many."""
    graph = GraphBuilder()
    result = resize(graph.given("x", np.uint8), len(x), *sides, interpolation, skipped)
    given = helper.make_tensor_value_info("x", TensorProto.UINT8, ["L", "M"])
    model = graph.model([given], [helper.make_tensor_value_info(result.name, TensorProto.FLOAT, ["kept", "M"])], 20)
    (found,) = ort.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    return np.asarray(found)


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("render", [noise, extremes])
def test_every_value_is_pil_s_own(interpolation: Interpolation, render: object) -> None:
    for seed, (old, new) in enumerate(SIDES):
        image = render(seed, 9, old, 3)  # type: ignore[operator]
        start, kept = new // 4, new - 2 * (new // 4)

        rows = resized(columns_first(image), old, new, start, kept, interpolation=interpolation)

        truth = np.asarray(Image.fromarray(image).resize((new, 9), FILTERS[interpolation]))[:, start : start + kept]
        found = rows.reshape(kept, 9, 3).transpose(1, 0, 2)
        np.testing.assert_array_equal(found, truth, err_msg=f"{old} to {new}")


def test_pixels_that_reach_nothing_kept_can_be_left_out() -> None:
    x = columns_first(noise(0, 5, 400, 3))
    whole = resized(x, 400, 100, 40, 20, interpolation="bicubic")
    part = resized(x[140:260], 400, 100, 40, 20, interpolation="bicubic", skipped=140)
    np.testing.assert_array_equal(part, whole)


def test_a_plain_antialiased_resize_is_not_enough() -> None:
    image = noise(0, 200, 64, 3)
    smooth = F.interpolate(
        torch.from_numpy(image).permute(2, 0, 1)[None].float(), size=(200, 72), mode="bilinear", antialias=True
    )
    truth = np.asarray(Image.fromarray(image).resize((72, 200), Image.Resampling.BILINEAR))
    assert ((smooth + 0.5).floor().clamp(0, 255)[0].permute(1, 2, 0).numpy() != truth).any()
