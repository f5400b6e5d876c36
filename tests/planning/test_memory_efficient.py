"""Other ways to compute the same step: the same gradients, and the network is put back afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from visionft import backbones
from visionft.planning.memory_efficient import memory_efficient
from visionft.settings import FitSettings, OptimSettings


def gradients(network: nn.Module, x: Tensor) -> list[Tensor]:
    network.zero_grad()
    network(x).square().sum().backward()
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("statistics", ["frozen", "batch"])
def test_gradients_are_those_of_the_plain_step(statistics: str) -> None:
    torch.manual_seed(0)
    network = backbones.create("mobilenetv2_050", "none", 3).double().eval()
    settings = FitSettings(photos=Path("p"), optim=OptimSettings.model_validate({"norm_statistics": statistics}))
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    forwards = {name: part.forward for name, part in network.named_modules()}
    plain = gradients(network, x)
    with memory_efficient(settings, network):
        for one, other in zip(plain, gradients(network, x), strict=True):
            torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-8)
    assert {name: part.forward for name, part in network.named_modules()} == forwards
