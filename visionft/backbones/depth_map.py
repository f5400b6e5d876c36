"""The depth map: one order from stem to head that serves freezing, layer-wise rates and adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from timm.models import group_parameters
from torch import nn

from visionft.backbones.network import Network
from visionft.compat.timm_private import flatten_modules


@dataclass(frozen=True)
class DepthMap:
    """The level of every parameter.

    Attributes:
        levels: L; the stem is level 0, the backbone's last blocks L - 2, the head L - 1.
        of_parameter: name in the `Network` (`backbone.blocks.0.attn.qkv.weight`, `head.weight`) -> level.
    """

    levels: int
    of_parameter: Mapping[str, int]

    @property
    def head(self) -> int:
        """The level of the head, L - 1."""
        return self.levels - 1


def depth_map(network: Network) -> DepthMap:
    """Order the network's parameters by depth, the backbone's by timm's `group_matcher` at its finest."""
    found = _by_matcher(network.backbone)
    raw = _by_children(network.backbone) if found is None else found
    places = {level: place for place, level in enumerate(sorted(set(raw.values())))}
    of_parameter = {f"backbone.{name}": places[level] for name, level in raw.items()}
    of_parameter |= {name: len(places) for name, _ in network.named_parameters() if name.startswith("head.")}
    return DepthMap(len(places) + 1, of_parameter)


def _by_matcher(backbone: nn.Module) -> dict[str, int] | None:
    matcher: Callable[..., Any] | None = getattr(backbone, "group_matcher", None)
    if matcher is None:
        return None
    levels: dict[str, int] = group_parameters(backbone, matcher(coarse=False), reverse=True)
    filled, last = {}, 0
    for name, _ in backbone.named_parameters():  # one that the matcher passes over goes with its predecessor
        last = levels.get(name, last)
        filled[name] = last
    return filled


def _by_children(backbone: nn.Module) -> dict[str, int]:
    """Take the order of the children, sequences opened; what the backbone itself holds (tokens, positions) is stem."""
    units = [name for name, _ in flatten_modules(backbone.named_children(), depth=2, module_types="container")]
    return {
        name: next((place for place, unit in enumerate(units) if name.startswith(f"{unit}.")), 0)
        for name, _ in backbone.named_parameters()
    }
