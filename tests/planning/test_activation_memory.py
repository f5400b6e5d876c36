"""`fit` says what an edit of a convolutional backbone saves, in measured figures."""

from __future__ import annotations

from typing import Any

import pytest

from visionft import data
from visionft.planning.activation_memory import sentence
from visionft.planning.plan import make_plan


@pytest.mark.parametrize(
    ("edited", "verdict"),
    [(60, "nothing is saved;"), (50, "nothing is saved;"), (46, "8% less, next to nothing;"), (25, "50% less;")],
)
def test_the_verdict_follows_from_the_figures(edited: int, verdict: str) -> None:
    said = sentence("lora", "mobilenetv2_100", edited * 10**6, 50 * 10**6)
    start = f"lora keeps {edited}.0 MB a photo for the backward pass of the convolutional mobilenetv2_100"
    assert said.startswith(f"{start}, full fine-tuning 50.0 MB: {verdict} ")
    assert said.endswith("--method head keeps none of it, --method gradual less in its first phases")


@pytest.mark.parametrize(
    ("backbone", "method", "times"),
    [
        ("mobilenetv3_small_050", "lora", 1),
        ("convnext_atto", "adapter", 1),
        ("mobilenetv3_small_050", "full", 0),
        ("test_vit", "lora", 0),
    ],
)
def test_fit_says_it_once_where_it_matters(settings: Any, backbone: str, method: str, times: int) -> None:
    wanted = settings(backbone=backbone, method=method)
    said: list[str] = []
    make_plan(wanted, data.prepare(wanted.photos, wanted.data), said.append)
    lines = [line for line in said if "MB a photo for the backward pass" in line]
    assert len(lines) == times
    assert all(line.startswith(f"{method} keeps ") for line in lines)
