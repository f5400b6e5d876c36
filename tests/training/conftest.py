"""A run small enough to be trained again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from visionft.settings import FitSettings, build

Make = Callable[..., FitSettings]


@pytest.fixture
def settings(shapes: Path, tmp_path: Path) -> Make:
    """Return a maker of settings for a run on the shapes, in seconds and without workers."""

    def make(**flags: Any) -> FitSettings:
        defaults: dict[str, Any] = {
            "backbone": "test_resnet", "weights": "none", "out": tmp_path / "run", "epochs": 2, "preprocess.size": 32,
            "augment.size": 32, "optim.batch_size": 8, "optim.micro_batch": 8, "hardware.workers": 0,
            "hardware.precision": "fp32", "hardware.threads": 1, "hardware.device": "cpu",
        }  # fmt: skip
        return build(shapes, None, **{**defaults, **flags})

    return make
