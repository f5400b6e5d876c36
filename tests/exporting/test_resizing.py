from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from visionft.exporting import resizing
from visionft.exporting.resizing import resize_rows
from visionft.preprocess import Interpolation

FILTERS: dict[Interpolation, Image.Resampling] = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("doubt", [resizing.DOUBT, 1.0])
def test_every_value_is_pil_s_own(interpolation: Interpolation, doubt: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a doubt of 1 every value comes from our copy of PIL's arithmetic."""
    monkeypatch.setattr(resizing, "DOUBT", doubt)
    for seed, (old, new) in enumerate([(90, 60), (60, 90), (64, 128), (7, 7), (1, 5), (300, 11), (101, 100)]):
        image = np.random.default_rng(seed).integers(0, 256, (9, old, 3), np.uint8)
        start, kept = new // 4, new - 2 * (new // 4)
        rows = torch.from_numpy(image).permute(2, 0, 1)[None].float()

        found = resize_rows(rows, new, start, kept, interpolation)[0].permute(1, 2, 0).numpy()

        truth = np.asarray(Image.fromarray(image).resize((new, 9), FILTERS[interpolation]))[:, start : start + kept]
        np.testing.assert_array_equal(found, truth, err_msg=f"{old} to {new}")


def test_resize_alone_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "DOUBT", 0.0)
    image = np.random.default_rng(0).integers(0, 256, (200, 64, 3), np.uint8)

    found = resize_rows(torch.from_numpy(image).permute(2, 0, 1)[None].float(), 72, 0, 72, "bilinear")

    truth = np.asarray(Image.fromarray(image).resize((72, 200), Image.Resampling.BILINEAR))
    assert (found[0].permute(1, 2, 0).numpy() != truth).any()
