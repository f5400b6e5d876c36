"""Small networks for the tests of edits: random weights, nothing at zero, so that no block is dead."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.methods import State
from visionft.settings import AnyMethod, OptimSettings

OPTIM = OptimSettings(lr=1e-2, head_lr=1e-2, layer_decay=1.0)


def small(name: str = "test_vit", classes: int = 3, **arguments: Any) -> Network:
    """Return a network in eval mode; the same weights at each call."""
    torch.manual_seed(0)
    network = backbones.create(name, "none", classes, **arguments)
    for parameter in network.parameters():  # timm starts last norms and layer scales at zero, which hides blocks
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network


def photos(network: Network, n: int = 2) -> Tensor:
    """Return normalised photos (n, 3, H, W)."""
    return torch.randn(n, 3, *network.input_size, generator=torch.Generator().manual_seed(1))


def edited(method: AnyMethod, name: str = "test_vit", **arguments: Any) -> Network:
    """Return a network that was edited, with additions away from where they start."""
    network = small(name, **arguments)
    methods.edit(network, method)
    for name in methods.added(network):
        nn.init.normal_(network.get_parameter(name), std=0.05)
    return network


def first_state(network: Network, method: AnyMethod) -> State:
    """Return what the method's schedule trains at its first step, the head being solved."""
    levels = backbones.depth_map(network).levels
    return methods.schedule(method, OPTIM, methods.Facts(levels, 4, 1, head_solved=True)).at(0)
