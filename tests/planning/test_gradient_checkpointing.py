"""Gradient checkpointing: the same gradients from less memory, or a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import visionft as vft
from visionft import backbones
from visionft.errors import BackboneError
from visionft.planning import gradient_checkpointing
from visionft.planning.step_timing import saved_bytes
from visionft.runs import layout
from visionft.settings import build


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext", "visionft_pico"])
def test_gradients_are_the_same_and_less_is_kept(name: str) -> None:
    def network() -> backbones.Network:
        torch.manual_seed(0)
        return backbones.create(name, "none", 3, size=64).eval()

    def gradients(net: backbones.Network) -> dict[str, torch.Tensor]:
        x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        net(x).square().sum().backward()
        return {key: parameter.grad for key, parameter in net.named_parameters() if parameter.grad is not None}

    plain, other = network(), network()
    gradient_checkpointing.checkpoint_gradients(other)
    assert saved_bytes(other, (64, 64)) < saved_bytes(plain, (64, 64))
    expected, found = gradients(plain), gradients(other)
    assert expected.keys() == found.keys()
    assert expected
    for key, gradient in expected.items():
        torch.testing.assert_close(found[key], gradient, rtol=0, atol=0)


@pytest.mark.slow
def test_a_run_ends_with_the_same_weights_and_says_what_is_saved(
    shapes: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    said: list[str] = []
    flags = {**small, "backbone": "test_vit", "preprocess.size": 160, "augment.size": 160, "method": "lora"}
    first = vft.fit(shapes, out=tmp_path / "plain", say=lambda _: None, **flags)
    second = vft.fit(
        shapes, out=tmp_path / "less", say=said.append, **flags, **{"hardware.gradient_checkpointing": True}
    )
    assert any(line.startswith("gradient checkpointing: ") for line in said)
    assert (first.path / layout.WEIGHTS).read_bytes() == (second.path / layout.WEIGHTS).read_bytes()


def test_a_backbone_without_it_is_refused_in_a_sentence(small: dict[str, Any], tmp_path: Path) -> None:
    network = backbones.create("convit_tiny", "none", 3)
    flags = {**small, "augment.size": 224, "hardware.gradient_checkpointing": True}
    settings = build(tmp_path, None, **flags)
    with pytest.raises(BackboneError, match="timm has no gradient checkpointing for convit_tiny; leave"):
        gradient_checkpointing.prepare(settings, network, lambda _: None)


def test_nothing_is_measured_where_it_is_off(small: dict[str, Any], tmp_path: Path) -> None:
    settings = build(tmp_path, None, **small)
    network = backbones.create("test_resnet", "none", 3)
    gradient_checkpointing.prepare(settings, network, lambda _: pytest.fail("said something"))
    assert not network.backbone.grad_checkpointing
