"""What no photo can mend is refused before one is opened: here none can be used, which would be said instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from visionft.advising import Limits, advise
from visionft.errors import BackboneError, DataError, UsageError, VisionftError, WeightsError
from visionft.settings import FitSettings, build
from visionft.training import train


@pytest.fixture
def unusable(tmp_path: Path) -> Path:
    root = tmp_path / "unusable"
    for number in range(8):
        photo = root / ("cat", "dog")[number % 2] / f"{number}.jpg"
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_text(f"no photo {number}")
    return root


def fit(settings: FitSettings) -> None:
    train(settings, lambda _: None)


def compare(settings: FitSettings) -> None:
    advise(settings, ("full",), Limits(1), say=lambda _: None)


WRONG: dict[str, tuple[dict[str, Any], type[VisionftError], str]] = {
    "weights": ({"weights": "gone.pt"}, WeightsError, "there is no file of weights at gone.pt; give a safetensors or"),
    "weights of a chosen backbone": (
        {"backbone": "auto", "weights": "gone.pt"},
        WeightsError,
        "there is no file of weights at gone.pt",
    ),
    "device": ({"hardware": {"device": "cuda"}}, UsageError, "is cuda, but torch sees no CUDA device here"),
    "backbone": ({"backbone": "resnet5"}, BackboneError, "timm has no backbone called 'resnet5'"),
    "checkpoint of another library": ({"backbone": "yolov8n-cls.pt"}, BackboneError, "timm has no backbone called"),
    "tag": ({"backbone": "visionft_pico.gone"}, BackboneError, "timm has no weights 'gone' for visionft_pico"),
    "no weights of its own": (
        {"backbone": "vit_base_patch32_plus_256"},
        WeightsError,
        "timm has no pretrained weights for vit_base_patch32_plus_256",
    ),
    "folder": ({"backbone": "local-dir:gone"}, BackboneError, "gone"),
    "nothing": ({}, DataError, "none of the 8 photos of .* can be used"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("command", [fit, compare])
def test_before_a_photo_is_opened(
    case: str,
    command: Callable[[FitSettings], None],
    unusable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    flags, kind, words = WRONG[case]
    settings = build(unusable, **{"backbone": "visionft_pico", "out": tmp_path / "run", **flags})
    with pytest.raises(kind, match=words):
        command(settings)
    assert not (tmp_path / "run").exists()
