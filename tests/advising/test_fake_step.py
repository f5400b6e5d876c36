"""A fake training: what it leaves alone, and what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from visionft import backbones, data
from visionft.advising.fake_step import fake_features, make_fake, meta_network
from visionft.advising.forecast_steps import Asked, Steps, ready
from visionft.advising.live_bytes import Line
from visionft.compat.torch_private import fake_tensors
from visionft.machine.gpu_cards import Card
from visionft.settings import FitSettings, build


def settings(photos: Path, **flags: Any) -> FitSettings:
    return build(photos, **{"backbone": "test_vit", "optim.batch_size": 8, "hardware.device": "cpu", **flags})


def steps(wanted: FitSettings, precision: str = "fp32", *, checkpointing: bool = False) -> Steps:
    manifest = data.prepare(wanted.photos, wanted.data, on_progress=lambda *_: None)
    asked = Asked(wanted, manifest, Card("made up", 1e12), precision)
    return Steps(asked, *ready(asked, wanted, checkpointing=checkpointing))


def test_a_module_of_no_weights_keeps_what_is_shared_shared() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network[1].weight = network[0].weight
    with fake_tensors()():
        make_fake(network, channels_last=False)
    assert network[0].weight is network[1].weight
    assert network[0].weight.device.type == "cpu"


def test_nothing_fake_is_left_for_the_rest_of_the_process(shapes: Path) -> None:
    wanted = settings(shapes)
    found = steps(wanted)
    size = found.training.size
    pixels = torch.full((1, *size, 3), 255, dtype=torch.uint8)
    seen = backbones.normalise(pixels, found.training.preprocess, "cpu")
    assert type(seen) is torch.Tensor
    assert seen.max() > 0


@pytest.mark.slow
def test_half_precision_and_checkpointing_need_less(shapes: Path) -> None:
    wanted = settings(shapes)
    full = steps(wanted).step_peak(64)
    assert steps(wanted, "bf16").step_peak(64) < 0.8 * full
    assert steps(wanted, checkpointing=True).step_peak(64) < 0.8 * full


def test_frozen_features_need_the_weights_twice_and_a_pass(shapes: Path) -> None:
    wanted = settings(shapes)
    network = meta_network(wanted, 3)
    weights = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    line = Line(*fake_features(wanted, network, network.input_size, None, (2, 4)))
    assert 2 * weights < line.peak(1) < line.peak(8)
