"""Features of the frozen backbone, computed once for each photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visionft import backbones, data
from visionft.backbones import Network
from visionft.data import Manifest
from visionft.errors import BackboneError
from visionft.photos import read
from visionft.settings import DataSettings, FitSettings, PreprocessSettings, build
from visionft.training import frozen_features


@pytest.fixture(scope="module")
def manifest(shapes: Path) -> Manifest:
    return data.prepare(shapes, DataSettings())


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_resnet", "none", 3).eval()


@pytest.fixture
def flags(shapes: Path, small: dict[str, Any]) -> FitSettings:
    return build(shapes, None, **small)


def test_they_are_the_network_s_own_in_the_order_of_the_split(
    network: Network, manifest: Manifest, flags: FitSettings
) -> None:
    transform, seen = backbones.preprocess(network, PreprocessSettings(size=32)), list[tuple[int, int]]()
    found = frozen_features.compute(network, manifest, "validation", transform, flags, lambda *part: seen.append(part))
    rows = manifest.rows("validation")
    pixels = np.stack([transform.tensor(read(manifest.root / path)) for path in rows.paths])
    with torch.no_grad():
        expected = network.embed(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found.features, expected, rtol=1e-3, atol=1e-4)
    assert found.labels.tolist() == rows.labels.tolist()
    assert seen[-1] == (len(rows), len(rows))


def test_answers_that_are_not_finite_are_one_sentence(network: Network, manifest: Manifest, flags: FitSettings) -> None:
    with torch.no_grad():
        next(iter(network.backbone.parameters())).fill_(float("nan"))
    words = (
        r"^test_resnet answers numbers that are not finite for 40 of 40 train photos, such as .+\.jpg; give other --w"
    )
    with pytest.raises(BackboneError, match=words):
        frozen_features.compute(
            network,
            manifest,
            "train",
            backbones.preprocess(network, PreprocessSettings(size=32)),
            flags,
            lambda *_: None,
        )


def test_what_overflows_in_the_fast_arithmetic_is_computed_again_in_fp32(
    network: Network, manifest: Manifest, flags: FitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[torch.dtype | None] = []
    original = frozen_features._answers

    def answers(network: Network, dataset: Any, dtype: torch.dtype | None, *words: Any) -> Any:
        asked.append(dtype)
        found = original(network, dataset, None, *words)
        if dtype is not None:
            found.features[3] = np.inf
        return found

    monkeypatch.setattr(frozen_features, "_answers", answers)
    monkeypatch.setattr(frozen_features, "inference_dtype", lambda _: torch.bfloat16)
    transform = backbones.preprocess(network, PreprocessSettings(size=32))
    found = frozen_features.compute(network, manifest, "train", transform, flags, lambda *_: None)
    assert asked == [torch.bfloat16, None]
    assert np.isfinite(found.features).all()
    frozen_features.compute(network, manifest, "validation", transform, flags, lambda *_: None)
    assert asked[2:] == [None], "what is measured has one figure"
