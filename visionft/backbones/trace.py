"""The order in which a pass calls a backbone's modules, and what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from visionft.backbones.network import Network

PHOTOS = 2  # of a pass; one of the passes has one more
Shape = tuple[tuple[int, int], ...]
"""Of each dimension (a, b): it is a + b * B for B photos."""


@dataclass(frozen=True)
class Answer:
    """The form of what a module answers: one tensor, or several in a tuple."""

    shapes: tuple[Shape, ...]
    single: bool


@dataclass
class Call:
    """One call of a module.

    Attributes:
        name: of the module in the backbone.
        around: the modules that were at work when it began, outermost first, itself last.
        given: shape of its first input; none where that is no tensor.
        answer: shapes and sums of the tensors that it answers; none where it answers something else.
        single: whether that is a tensor, not a tuple.
        ended: how many calls had begun when it ended.
    """

    name: str
    around: tuple[str, ...]
    given: torch.Size | None
    answer: tuple[tuple[torch.Size, float], ...] | None = None
    single: bool = True
    ended: int = -1


@dataclass(frozen=True)
class Trace:
    """Three passes over noise; calls stand in the order of their beginnings.

    Attributes:
        calls: of a pass.
        varied: the same calls with other photos.
        longer: the same calls with one photo more.
    """

    calls: list[Call]
    varied: list[Call]
    longer: list[Call]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each module is called in a pass."""
        return Counter(call.name for call in self.calls)

    @cached_property
    def repeats(self) -> bool:
        """Whether all passes called the same modules in the same order."""
        names = [[call.name for call in calls] for calls in (self.calls, self.varied, self.longer)]
        return names[0] == names[1] == names[2]

    def first_of(self, backbone: nn.Module, upper: Collection[str]) -> str | None:
        """Return the outermost module that begins with the first use of the parameters `upper` and holds no others."""
        owners = {name.rpartition(".")[0] for name in upper}
        whole = {
            path
            for path, module in backbone.named_modules()
            if path and all(f"{path}.{own}" in upper for own, _ in module.named_parameters())
        }
        first = next((call for call in self.calls if call.name in owners), None) if self.repeats else None
        around = first.around if first else ()
        return next((path for path in around if path in whole and self.counts[path] == 1), None)

    def hands_over_a_tensor(self, path: str) -> bool:
        """Whether a module's first input is one tensor with the photos in its first dimension."""
        place = self._place(path)
        one, other = self.calls[place].given, self.longer[place].given
        return bool(one and other) and (one[0], other[0]) == (PHOTOS, PHOTOS + 1)  # type: ignore[index]

    def replaceable_before(self, boundary: str) -> Iterator[tuple[str, Answer]]:
        """Yield the outermost modules that had ended for good when a module began, and the form of their answers.

        Those whose answer is the same for all photos (position embeddings) are not among them: later ones may use it.
        """
        start = self._place(boundary)
        chosen: set[str] = set()
        for call, other, longer in zip(self.calls[:start], self.varied, self.longer, strict=False):
            over = call.ended <= start and self.counts[call.name] == 1
            varies = call.answer is not None and call.answer != other.answer
            if over and varies and chosen.isdisjoint(call.around):
                chosen.add(call.name)
                yield call.name, _form(call, longer)

    def _place(self, path: str) -> int:
        return next(place for place, call in enumerate(self.calls) if call.name == path)


def trace(network: Network, size: tuple[int, int]) -> Trace:
    """Run a network in `eval()` over noise of a size (H, W), three times."""
    one, other, longer = (
        _calls(network, noise(network, size, photos, seed))
        for seed, photos in ((0, PHOTOS), (1, PHOTOS), (2, PHOTOS + 1))
    )
    return Trace(one, other, longer)


def noise(network: Network, size: tuple[int, int], photos: int, seed: int) -> Tensor:
    """Return photos (B, 3, H, W) of noise where the network is, from a generator of its own."""
    x = torch.randn(photos, 3, *size, generator=torch.Generator().manual_seed(seed))
    x = x.to(next(network.parameters()).device)
    return x.contiguous(memory_format=torch.channels_last) if network.convolutional else x


@torch.no_grad()
def _calls(network: Network, x: Tensor) -> list[Call]:
    calls: list[Call] = []
    working: list[Call] = []

    def begin(path: str, given: tuple[Any, ...]) -> None:
        first = given[0].shape if given and isinstance(given[0], Tensor) else None
        calls.append(Call(path, (*(outer.name for outer in working), path), first))
        working.append(calls[-1])

    def end(answer: Any) -> None:
        call = working.pop()
        call.ended, call.single = len(calls), isinstance(answer, Tensor)
        parts = (answer,) if call.single else answer
        if isinstance(parts, tuple) and parts and all(isinstance(part, Tensor) for part in parts):
            call.answer = tuple((part.shape, float(part.double().sum())) for part in parts)

    with ExitStack() as stack:
        for path, module in network.backbone.named_modules():
            before = module.register_forward_pre_hook(lambda _, given, path=path: begin(path, given))
            after = module.register_forward_hook(lambda _m, _g, answer: end(answer))
            stack.callback(before.remove)
            stack.callback(after.remove)
        network.embed(x)
    return calls


def _form(call: Call, longer: Call) -> Answer:
    pairs = zip(call.answer or (), longer.answer or (), strict=True)
    return Answer(tuple(_shape(one, other) for (one, _), (other, _) in pairs), call.single)


def _shape(one: torch.Size, other: torch.Size) -> Shape:
    return tuple((a - PHOTOS * (b - a), b - a) for a, b in zip(one, other, strict=True))
