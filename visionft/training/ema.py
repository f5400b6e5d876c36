"""Exponential moving average of the weights: what is validated and exported."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from visionft.backbones import Network, depth_map
from visionft.compat.torch_private import lerp_all, place_of

Pair = tuple[Tensor, Tensor]


class AveragedNetwork:
    """A network whose weights follow the trained one's, smoothed over steps (Polyak and Juditsky 1992).

    The decay rises from zero with the steps, so that the average does not drag the start along (timm's warm-up).
    Not an nn.Module: it must neither be trained nor moved with its owner.

    Args:
        network: the trained network, already on its device; its tensors stay the same ones from now on.
        decay: decay a step in (0, 1).
        fixed: names of parameters that are never trained: the average shares them instead of keeping a copy.
    """

    def __init__(self, network: nn.Module, decay: float, fixed: Iterable[str] = ()) -> None:
        # timm rounds bf16 tensors at random, from a generator that no checkpoint holds; here they are frozen matrices
        self._ema = ModelEmaV3(network, decay=decay, use_warmup=True, stochastic_rounding=False)
        for name in fixed:
            self.network.get_parameter(name).data = network.get_parameter(name).data
        self._floats, self._others = _pairs(self.network, network)

    @property
    def network(self) -> nn.Module:
        """The averaged network, in eval mode."""
        module: nn.Module = self._ema.module
        return module

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the trained weights after optimizer step `step` (from 0)."""
        weight = 1.0 - self._ema.get_decay(step)
        lerp_all([average for average, _ in self._floats], [live for _, live in self._floats], weight)
        for average, live in self._others:
            average.copy_(live)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averaged parameters and buffers."""
        return dict(self.network.state_dict())

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved average."""
        self.network.load_state_dict(state)


def _pairs(averaged: nn.Module, trained: nn.Module) -> tuple[list[Pair], list[Pair]]:
    """Return (average, trained) tensors, of floating point and others, each once; without what the two share.

    Gathered once: a `state_dict()` of both takes milliseconds of every step, which a GPU would wait for.
    """
    floats, others, seen = list[Pair](), list[Pair](), set[tuple[int, int]]()
    for average, live in zip(averaged.state_dict().values(), trained.state_dict().values(), strict=True):
        place = place_of(average)
        if place == place_of(live) or place in seen:  # one that has two names would be moved twice
            continue
        seen.add(place)
        (floats if average.is_floating_point() else others).append((average, live))
    return floats, others


def same_below(level: int, one: Network, other: Network) -> bool:
    """Whether two copies of a network have the same parameters and buffers below a level of the depth map.

    A buffer has the level of the lowest parameter beside it; those of modules without any are looked at always.
    """
    if one is other:
        return True
    levels, lowest = depth_map(one).of_parameter, dict[str, int]()
    for name, own in levels.items():
        module = name.rpartition(".")[0]
        lowest[module] = min(own, lowest.get(module, own))
    theirs = other.state_dict()
    return all(
        levels.get(name, lowest.get(name.rpartition(".")[0], 0)) >= level or torch.equal(tensor, theirs[name])
        for name, tensor in one.state_dict().items()
    )
