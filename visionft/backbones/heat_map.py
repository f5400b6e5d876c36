"""Where on a photo an answer comes from: a network read at the last place that is still laid out over the photo.

No family is named here. Where pooling follows timm's `forward_features`, that is the place; else, as where a class
token is read, the depth map is gone down until a cut leaves activations of which every part has a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from visionft.backbones.cut import cut
from visionft.backbones.depth_map import depth_map
from visionft.backbones.inference import eval_mode
from visionft.backbones.network import Network
from visionft.backbones.trace import noise
from visionft.errors import BackboneError

REACHED = 0.9
"""Share of the places that must have a gradient: the rest may lie behind a rectifier that is shut."""
EQUAL = 1e-4  # relative, of answers by two ways through one network
TRIED = 6
"""Levels of the depth map that are tried from the head down."""
Layout = Callable[[Tensor], Tensor]
"""Brings activations (B, ...) into the form (B, h, w, D)."""


@dataclass(frozen=True)
class _Reading:
    """A network in two halves: up to the activations that are looked at, and from them to the logits."""

    prefix: Callable[[Tensor], Tensor]
    suffix: Callable[[Tensor], Tensor]
    layout: Layout


class HeatMaps:
    """Heat maps of one network.

    A place is as warm as its activations times the gradient of the class's logit there (HiResCAM, arXiv 2011.08891).
    Where only pooling by the mean and a linear head follow, all places add up to the logit less its bias.

    Args:
        network: on any device; looked at in `eval()`, and left as it was.

    Raises:
        BackboneError: no level of it is laid out over the photo.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        with eval_mode(network), _headless(network):  # a head of zeros would prove nothing
            self._reading = next(filter(self._is_sound, _readings(network)), None)
        if self._reading is None:
            raise BackboneError(
                f"no part of {network.name} is laid out over the photo, so that nobody can say where it looks; take "
                "another backbone to see that"
            )

    def contributions(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return what each place adds to a class's logit (B, h, w).

        Args:
            x: normalised photos (B, 3, H, W).
            classes: indices (B,).
        """
        with eval_mode(self._network):
            assert self._reading is not None, "it was found when this was made"
            activations, logits, layout = *_run(self._reading, x), self._reading.layout
            chosen = logits.gather(1, classes[:, None].to(logits.device)).sum()
            (gradient,) = torch.autograd.grad(chosen, activations)
            return layout((gradient * activations).detach()).sum(dim=3)

    def __call__(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return what speaks for the class (B, h, w) in [0, 1], the warmest place 1; 0 where nothing does."""
        heat = self.contributions(x, classes).clamp(min=0)
        return heat / heat.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)

    def _is_sound(self, reading: _Reading) -> bool:
        """Try a reading: it must answer like the network, and nearly every place must have a part in that."""
        x = noise(self._network, self._network.input_size, 2, seed=0)
        try:
            activations, logits = _run(reading, x)
            (gradient,) = torch.autograd.grad(logits.square().sum(), activations)
            reached = (reading.layout(gradient).abs().sum(dim=3) > 0).float().mean()
            with torch.no_grad():
                expected = self._network(x)
        except Exception:  # noqa: BLE001  # a model may trip over a detour in any way
            return False
        apart = (logits - expected).norm() <= EQUAL * expected.norm().clamp(min=1e-6)
        return bool(apart) and float(reached) >= REACHED


@contextmanager
def _headless(network: Network) -> Iterator[None]:
    """Let the network answer with its features while the block runs."""
    head = network.head
    network.head = nn.Identity()  # type: ignore[assignment]
    try:
        yield
    finally:
        network.head = head


def _run(reading: _Reading, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return activations, of which gradients can be asked, and logits (B, C)."""
    with torch.no_grad():
        activations = reading.prefix(x)
    with torch.enable_grad():
        activations = activations.detach().clone().requires_grad_(True)
        return activations, reading.suffix(activations)


def _readings(network: Network) -> Iterator[_Reading]:
    """Yield the ways to read a network, those nearest to the head first."""
    x = noise(network, network.input_size, 1, seed=0)
    backbone: Any = network.backbone
    if hasattr(backbone, "forward_features") and hasattr(backbone, "forward_head"):
        yield from _with_layout(
            network, x, backbone.forward_features, lambda features: network.head(backbone.forward_head(features))
        )
    levels = depth_map(network)
    level = levels.head - 1
    for _ in range(TRIED):
        found = cut(network, level)
        if found is None:
            return
        yield from _with_layout(network, x, found.prefix, found.suffix)
        level = found.level - 1


def _with_layout(
    network: Network, x: Tensor, prefix: Callable[[Tensor], Tensor], suffix: Callable[[Tensor], Tensor]
) -> Iterator[_Reading]:
    """Yield a way where what crosses is one tensor that is laid out over the photo."""
    try:
        with torch.no_grad():
            activations = prefix(x)
    except Exception:  # noqa: BLE001  # as of any other detour
        return
    layout = _layout(activations, network) if isinstance(activations, Tensor) else None
    if layout is not None:
        yield _Reading(prefix, suffix, layout)


def _layout(activations: Tensor, network: Network) -> Layout | None:
    """Tell how activations lie over the photo: (B, D, h, w), (B, h, w, D), or (B, n, D) after tokens of none of it."""
    height, width = network.input_size
    shape = activations.shape

    def fits(h: int, w: int) -> bool:
        return h * width == w * height and h > 1

    if len(shape) == 4 and fits(shape[2], shape[3]):
        return lambda one: one.permute(0, 2, 3, 1)
    if len(shape) == 4 and fits(shape[1], shape[2]):
        return lambda one: one
    if len(shape) == 3:
        extra = int(getattr(network.backbone, "num_prefix_tokens", 0) or 0)
        h = math.isqrt((shape[1] - extra) * height // width) if shape[1] > extra else 0
        w = h * width // height
        if h * w == shape[1] - extra and fits(h, w):
            return lambda one: one[:, extra:].reshape(len(one), h, w, -1)
    return None
