"""A network cut in two at a level of its depth map: a prefix that need run once, a suffix that runs while it trains.

No family is named here. One pass shows which module begins the upper part; the prefix is the pass up to there, and the
suffix is the same pass with that module's input handed in and the modules before it left out. Between the two lie only
the few operations that a model does outside of modules. Whether this is the same network is not argued but tried:
answers and gradients must be equal, else the next lower level is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from visionft.backbones.depth_map import DepthMap, depth_map
from visionft.backbones.inference import eval_mode
from visionft.backbones.network import Network
from visionft.backbones.trace import Answer, Trace, noise, trace

TRIED = (3, 4)
"""Photos of the passes by which a cut is tried."""
ROUNDING = 1e-5
"""Relative; on a GPU, where sums have no fixed order. On a processor both ways must be equal bit for bit."""


@dataclass(frozen=True)
class Cut:
    """Two halves of one network, which share its modules.

    Attributes:
        network: the whole.
        level: of the depth map; all below is in the prefix.
        size: (H, W) of the photos.
        boundary: the backbone's module whose first input crosses the cut; none: the head's.
        skipped: modules of the backbone that the suffix leaves out, and the form of what they answer.
    """

    network: Network
    level: int
    size: tuple[int, int]
    boundary: str | None = None
    skipped: tuple[tuple[str, Answer], ...] = ()

    def prefix(self, x: Tensor) -> Tensor:
        """Map normalised photos (B, 3, H, W) to what crosses the cut (B, ...)."""
        if self.boundary is None:
            return self.network.embed(x)
        handle = self.network.backbone.get_submodule(self.boundary).register_forward_pre_hook(_arrive)
        try:
            self.network.embed(x)
        except _Arrived as arrived:
            return arrived.tensor
        finally:
            handle.remove()
        raise RuntimeError(f"a pass through {self.network.name} never came to {self.boundary}")

    def suffix(self, activations: Tensor) -> Tensor:
        """Map what crosses the cut (B, ...) to logits (B, C)."""
        logits: Tensor
        if self.boundary is None:
            logits = self.network.head(self.network.drop(activations))
            return logits
        with self._handed_in(activations, self.boundary):
            logits = self.network(activations.new_zeros(()).expand(len(activations), 3, *self.size))
        return logits

    @contextmanager
    def _handed_in(self, activations: Tensor, boundary: str) -> Iterator[None]:
        backbone = self.network.backbone
        with ExitStack() as stack:
            for path, answer in self.skipped:
                module: Any = backbone.get_submodule(path)
                module.forward = _blanks(answer, activations)
                stack.callback(module.__dict__.pop, "forward")
            module = backbone.get_submodule(boundary)
            handle = module.register_forward_pre_hook(lambda _, given: (activations, *given[1:]))
            stack.callback(handle.remove)
            yield


def cut(network: Network, level: int, size: tuple[int, int] | None = None) -> Cut | None:
    """Cut at a level of the depth map, or at the nearest one below where that is legal; none: nowhere.

    At the head every network can be cut. At a block it can where suffix(prefix(x)) equals network(x) bit for bit on
    two batches, and so do the gradients of everything at and above the level.

    Args:
        network: on any device; in `eval()` while it is looked at, and left as it was.
        level: of the depth map, at most L - 1, the head's; nothing can be cut at 0.
        size: (H, W) of the photos; none: those that the backbone was created for.
    """
    size = size or network.input_size
    levels = depth_map(network)
    if level >= levels.head:
        return Cut(network, levels.head, size)
    if level < 1:
        return None
    with eval_mode(network):
        seen = trace(network, size)
        for lower in range(level, 0, -1):
            found = _at(network, levels, lower, size, seen)
            if found is not None and _is_legal(found, levels):
                return found
    return None


def _at(network: Network, levels: DepthMap, level: int, size: tuple[int, int], seen: Trace) -> Cut | None:
    upper = {name.removeprefix("backbone.") for name, own in levels.of_parameter.items() if own >= level}
    boundary = seen.first_of(network.backbone, upper)
    if boundary is None or not seen.hands_over_a_tensor(boundary):
        return None
    return Cut(network, level, size, boundary, tuple(seen.replaceable_before(boundary)))


def _is_legal(found: Cut, levels: DepthMap) -> bool:
    """Try the cut: whatever goes wrong in the detour makes it illegal."""
    upper = {name for name, own in levels.of_parameter.items() if own >= found.level}
    with _needing_gradients(found.network, upper) as parameters:
        try:
            return all(_agrees(found, parameters, photos) for photos in TRIED)
        except Exception:  # noqa: BLE001  # a model may trip over blank activations in any way
            return False


def _agrees(found: Cut, parameters: list[Tensor], photos: int) -> bool:
    x = noise(found.network, found.size, photos, seed=photos)
    with torch.no_grad():
        activations = found.prefix(x)
    with torch.enable_grad():
        whole, halves = found.network(x), found.suffix(activations)
        direction = torch.linspace(-1.0, 1.0, whole.numel(), device=whole.device).view_as(whole)
        one, other = (
            torch.autograd.grad((logits * direction).sum(), parameters, allow_unused=True) for logits in (whole, halves)
        )
    return all(_equal(a, b) for a, b in [(whole, halves), *zip(one, other, strict=True)])


def _equal(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    if a.device.type == "cpu":
        return torch.equal(a, b)
    return bool((a - b).norm() <= ROUNDING * a.norm())


@contextmanager
def _needing_gradients(network: Network, names: set[str]) -> Iterator[list[Tensor]]:
    """Let these parameters alone have gradients while the block runs."""
    before = {parameter: parameter.requires_grad for parameter in network.parameters()}
    named = [parameter for name, parameter in network.named_parameters() if name in names]
    network.requires_grad_(False)
    wanted = [parameter.requires_grad_(True) for parameter in named if parameter.is_floating_point()]
    try:
        yield wanted
    finally:
        for parameter, needed in before.items():
            parameter.requires_grad_(needed)


class _Arrived(Exception):  # noqa: N818  # not an error: the way out of a pass that has gone far enough
    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.tensor = tensor


def _arrive(_: nn.Module, given: tuple[Any, ...]) -> None:
    raise _Arrived(given[0])


def _blanks(answer: Answer, like: Tensor) -> Callable[..., Tensor | tuple[Tensor, ...]]:
    """Return a forward that answers zeros which take no memory."""
    zero, photos = like.new_zeros(()), len(like)
    blanks = tuple(zero.expand([a + b * photos for a, b in shape]) for shape in answer.shapes)
    return lambda *_, **__: blanks[0] if answer.single else blanks
