"""The forecast of a step against what the processor's own allocator gave for the same step of a real fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.allocations import measured_peak
from visionft import data
from visionft.advising.forecast_steps import Asked, Steps, ready
from visionft.machine.gpu_cards import Card
from visionft.settings import build

CLOSE = 0.1  # of the truth, as promised


def ratio(photos: Path, folder: Path, backbone: str, micro_batch: int, size: int, **flags: Any) -> float:
    torch.manual_seed(0)
    model = timm.create_model(backbone, pretrained=False)
    for parameter in model.parameters():
        if not parameter.any():  # through scales that are born zero no gradient reaches an addition
            torch.nn.init.normal_(parameter, std=0.02)
    save_file(model.state_dict(), folder / "weights.safetensors")
    fixed: dict[str, Any] = {
        "backbone": backbone, "weights": str(folder / "weights.safetensors"), "epochs": 2, "optim.batch_size": 8,
        "optim.micro_batch": micro_batch, "preprocess.size": size, "augment.size": size, "hardware.workers": 0,
        "hardware.precision": "fp32", "hardware.threads": 1, "hardware.device": "cpu",
    }  # fmt: skip
    settings = build(photos, **{**fixed, **flags})
    manifest = data.prepare(settings.photos, settings.data, on_progress=lambda *_: None)
    asked = Asked(settings, manifest, Card("this machine", 1e12), settings.hardware.precision)
    steps = Steps(asked, *ready(asked, settings, checkpointing=settings.hardware.gradient_checkpointing))
    return steps.step_peak(micro_batch) / measured_peak(settings, manifest)


@pytest.mark.parametrize(
    ("backbone", "micro_batch", "flags"),
    [
        ("test_vit", 8, {"method.name": "full"}),
        ("test_resnet", 4, {"method.name": "full"}),
    ],
)
def test_a_step_is_foretold_to_a_tenth(
    shapes: Path, tmp_path: Path, backbone: str, micro_batch: int, flags: dict[str, Any]
) -> None:
    assert ratio(shapes, tmp_path, backbone, micro_batch, 160, **flags) == pytest.approx(1, abs=CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "flags"),
    [
        ("vit_tiny_patch16_224", {"method.name": "lora", "optim.ema": 0.0}),
        ("resnet18", {"method.name": "full"}),
        ("vit_tiny_patch16_224", {"method.name": "adapter"}),
        ("vit_tiny_patch16_224", {"method.name": "qlora", "method.quantization": "int8"}),
        ("vit_tiny_patch16_224", {"method.name": "full", "hardware.gradient_checkpointing": True}),
    ],
)
def test_a_step_of_a_known_backbone_is_foretold_to_a_tenth(
    shapes: Path, tmp_path: Path, backbone: str, flags: dict[str, Any]
) -> None:
    assert ratio(shapes, tmp_path, backbone, 4, 224, **flags) == pytest.approx(1, abs=CLOSE)
