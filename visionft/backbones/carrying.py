"""Frozen batch norms computed by the convolutions before them, while both go on learning.

With its statistics frozen a batch norm is a scale and a shift of every channel. Scaling the kernel instead of the
result is the same function of the same parameters, so that autograd gives each its gradient as before; what is left out
is a pass over the activations forward, two backward, and their copy in memory (benchmarks/carried.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn

from visionft.backbones.folding import TOLERANCE, pairs_of
from visionft.backbones.network import Network

_NORM = "_carried_norm"


class _Carrier(nn.Conv2d):
    """A convolution that also does the work of the norm behind it, unless that gathers statistics."""

    def forward(self, x: Tensor) -> Tensor:
        norm: Any = self.__dict__[_NORM]
        if norm.training:
            return super().forward(x)
        scale = torch.rsqrt(norm.running_var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -norm.running_mean if self.bias is None else self.bias - norm.running_mean
        shift = shift * scale if norm.bias is None else torch.addcmul(norm.bias, shift, scale)
        answer: Tensor = self._conv_forward(x, self.weight * scale.view(-1, 1, 1, 1), shift)
        return answer


class _Carried(nn.BatchNorm2d):
    """A norm whose work the convolution before it has done, unless it gathers statistics."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if self.training else x


class _CarriedAct(BatchNormAct2d):
    """The same, with timm's activation behind it."""

    def forward(self, x: Tensor) -> Tensor:
        whole: Any = super().forward  # timm leaves it untyped
        answer: Tensor = whole(x) if self.training else self.act(self.drop(x))
        return answer


@contextmanager
def norms_carried(network: Network) -> Iterator[int]:
    """Let convolutions do the work of the frozen norms behind them while the block runs; yields how many do.

    Parameters, buffers and their names stay as they are, and a copy made meanwhile works in the same way. Norms in
    `train()` work as ever. Which convolution feeds which norm is seen in a pass over noise, and tried on a copy with
    other numbers: where its features change, since something else reads a convolution's result too, nothing is done.

    Args:
        network: on any device; its modules' modes do not matter and stay.
    """
    pairs = _legal_pairs(network)
    _carry(network, pairs)
    try:
        yield len(pairs)
    finally:
        _restore(network, pairs)


def _legal_pairs(network: Network) -> list[tuple[str, str]]:
    normed = any(isinstance(module, nn.BatchNorm2d) for module in network.backbone.modules())
    if not normed or any(parameter.dtype != torch.float32 for parameter in network.parameters()):
        return []
    trial = copy.deepcopy(network).eval()
    with torch.no_grad():
        _disturb(trial)
        device = next(trial.parameters()).device
        noise = torch.randn(2, 3, *network.input_size, generator=torch.Generator().manual_seed(0)).to(device)
        pairs, truth = pairs_of(trial, noise)
        _carry(trial, pairs)
        off = (trial.embed(noise) - truth).abs().max()
    return pairs if bool(off <= TOLERANCE * truth.abs().max()) else []


def _disturb(network: nn.Module) -> None:
    """Move norms off what they start with: zeros there would hide a wrong answer."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                if tensor is not None:
                    tensor.add_(0.1 + 0.1 * torch.rand(tensor.shape, generator=generator).to(tensor))


def _carry(network: nn.Module, pairs: list[tuple[str, str]]) -> None:
    for convolution, norm in pairs:
        conv, bn = network.get_submodule(convolution), network.get_submodule(norm)
        conv.__class__ = _Carrier
        conv.__dict__[_NORM] = bn  # not as an attribute: the norm would become a part of the convolution
        bn.__class__ = _CarriedAct if isinstance(bn, BatchNormAct2d) else _Carried


def _restore(network: nn.Module, pairs: list[tuple[str, str]]) -> None:
    for convolution, norm in pairs:
        conv, bn = network.get_submodule(convolution), network.get_submodule(norm)
        conv.__class__ = nn.Conv2d
        del conv.__dict__[_NORM]
        bn.__class__ = BatchNormAct2d if isinstance(bn, BatchNormAct2d) else nn.BatchNorm2d
