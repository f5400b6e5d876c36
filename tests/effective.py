"""Flags that tests give to every run, without those that would have no effect in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visionft.settings import FitSettings, HeadMethod, build
from visionft.settings.unused import obstructed

SMALL: dict[str, Any] = {
    "backbone": "test_resnet",
    "weights": "none",
    "preprocess.size": 32,
    "augment.size": 32,
    "optim.batch_size": 8,
    "hardware.device": "cpu",
    "hardware.precision": "fp32",
    "hardware.threads": 1,
    "hardware.workers": 0,
}
"""A run of seconds on any photos."""


def effective(flags: Mapping[str, Any], settings: FitSettings) -> dict[str, Any]:
    """Return the flags that have an effect under these settings."""
    idle = obstructed(settings, [name.replace("-", "_") for name in flags])
    return {name: value for name, value in flags.items() if name.replace("-", "_") not in idle}


def of_solved_head(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that have an effect where a linear head is solved and nothing is trained by epochs."""
    return effective(flags, FitSettings(photos="photos", method=HeadMethod()))


def with_defaults(photos: Any, defaults: Mapping[str, Any], **flags: Any) -> FitSettings:
    """Return settings from flags above defaults, of which those without effect are left out."""
    asked = build(photos, None, **flags)
    return build(photos, None, **{**effective(defaults, asked), **flags})
