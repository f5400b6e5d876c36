"""Bottleneck adapters parallel to the MLPs of a frozen backbone (AdaptFormer, arXiv 2205.13535)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones import Network, depth_map
from visionft.errors import BackboneError
from visionft.methods.forward_probe import shapes
from visionft.methods.param_roles import Added
from visionft.methods.schedule import lowest_trained
from visionft.methods.target_modules import WORDS

Axis = Literal[1, -1]
"""Where the features are: last in tokens and channels-last maps, at 1 in maps (B, C, H, W)."""


class Bottleneck(Added):
    """s W_up ReLU(W_down x), zero at the start because W_up is.

    Args:
        features: D of input and output.
        width: of the bottleneck.
        scale: s.
        dropout: probability in [0, 1) behind the ReLU.
        axis: of the features.
    """

    def __init__(self, features: int, width: int, scale: float, dropout: float, axis: Axis) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(features, width), nn.Linear(width, features)
        nn.init.kaiming_uniform_(self.down.weight, a=5**0.5)
        for tensor in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(tensor)
        self.scale, self.dropout, self.axis = scale, nn.Dropout(dropout), axis

    def forward(self, x: Tensor) -> Tensor:
        """Map features (..., D), or (B, D, H, W) where the axis is 1, to an update of the same shape."""
        moved = x if self.axis == -1 else x.movedim(1, -1)
        wide: Tensor = self.up(self.dropout(F.relu(self.down(moved))))
        update = wide * self.scale
        return update if self.axis == -1 else update.movedim(-1, 1)


class ParallelMlp(nn.Module):
    """A frozen MLP with a bottleneck beside it: both read the same (normalised) input."""

    def __init__(self, mlp: nn.Module, adapter: Bottleneck) -> None:
        super().__init__()
        self.mlp, self.adapter = mlp, adapter

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map the MLP's input, (..., D) or (B, D, H, W), to the sum of both answers, of the same shape."""
        y: Tensor = self.mlp(x, *args, **kwargs) + self.adapter(x)
        return y


def inject(network: Network, *, width: int, scale: float, dropout: float, unfreeze: float) -> int:
    """Put a bottleneck beside every MLP in the upper share `unfreeze` of the depth; return how many there are.

    Raises:
        BackboneError: the backbone has no MLPs whose answer has the shape of their input.
    """
    backbone = network.backbone
    found = _mlps(network, unfreeze)
    made = 0
    for path, shape in zip(found, shapes(network, (backbone.get_submodule(path) for path in found)), strict=True):
        mlp = backbone.get_submodule(path)
        axis = _axis(mlp, shape)
        if shape is None or axis is None:
            continue
        parent, _, own = path.rpartition(".")
        adapter = Bottleneck(shape[0][axis], width, scale, dropout, axis)
        setattr(backbone.get_submodule(parent), own, ParallelMlp(mlp, adapter).train(mlp.training))
        made += 1
    if not made:
        raise BackboneError(
            f"{network.name} has no MLPs that an adapter can stand beside; take --method lora, gradual or head"
        )
    return made


def _mlps(network: Network, unfreeze: float) -> list[str]:
    """Return the outermost modules that are MLPs by class or name, hold layers and lie deep enough."""
    levels = depth_map(network)
    lowest = lowest_trained(unfreeze, levels.levels)
    found: list[str] = []
    for path, module in network.backbone.named_modules():
        own = path.rpartition(".")[2].lower()
        words = (type(module).__name__.lower(), own)
        named = any(mark in word for mark in WORDS["mlp"] for word in words)
        inside = any(path.startswith(f"{outer}.") for outer in found)
        whole = not path  # a mixer's class is called after its MLPs
        if whole or not named or inside or isinstance(module, (nn.Linear, nn.Conv2d, nn.ModuleList)):
            continue
        level = [levels.of_parameter[f"backbone.{path}.{name}"] for name, _ in module.named_parameters()]
        matrices = sum(parameter.ndim > 1 for parameter in module.parameters())
        if matrices > 1 and min(level) >= lowest:
            found.append(path)
    return found


def _axis(mlp: nn.Module, shape: tuple[torch.Size, torch.Size] | None) -> Axis | None:
    if shape is None or shape[0] != shape[1]:
        return None
    first = next(module for module in mlp.modules() if isinstance(module, (nn.Linear, nn.Conv2d)))
    if isinstance(first, nn.Linear) and shape[0][-1] == first.in_features:
        return -1
    if isinstance(first, nn.Conv2d) and len(shape[0]) == 4 and shape[0][1] == first.in_channels:
        return 1
    return None
