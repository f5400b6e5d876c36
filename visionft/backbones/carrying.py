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
from timm.layers.conv2d_same import Conv2dSame, conv2d_same
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn

from visionft.backbones.folding import TOLERANCE, Pair, pairs_of
from visionft.backbones.network import Network

FEW_PHOTOS = 8  # of a pass on a processor: kernels are scaled anew in each
_NORM = "_carried_norm"


class _Carrier(nn.Conv2d):
    """Before the class of a convolution: it does the work of the norm behind it, unless that gathers statistics."""

    def forward(self, x: Tensor) -> Tensor:
        norm: Any = self.__dict__[_NORM]
        if norm.training:
            return super().forward(x)
        scale = torch.rsqrt(norm.running_var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -norm.running_mean if self.bias is None else self.bias - norm.running_mean
        shift = shift * scale if norm.bias is None else torch.addcmul(norm.bias, shift, scale)
        return self._convolve(x, self.weight * scale.view(-1, 1, 1, 1), shift)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        own: Any = self
        answer: Tensor
        if isinstance(self, Conv2dSame):  # which pads by the size of the photo
            answer = conv2d_same(x, weight, bias, own.stride, own.padding, own.dilation, own.groups)
        else:
            answer = self._conv_forward(x, weight, bias)
        return answer


class _Carried(nn.BatchNorm2d):
    """Before the class of a norm: the convolution has done its work, unless it gathers statistics."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        rest: Any = self  # timm's norm has an activation behind it
        answer: Tensor = rest.act(rest.drop(x)) if isinstance(self, BatchNormAct2d) else x
        return answer


@contextmanager
def norms_carried(network: Network) -> Iterator[int]:
    """Let convolutions do the work of the frozen norms behind them while the block runs; yields how many do.

    Parameters, buffers and their names stay as they are, and a copy made meanwhile works in the same way. Norms in
    `train()` work as ever. Left alone are kernels that LoRA has put its weight form into, and kernels that are larger
    than what they make of a few photos, as in the last stages of a ResNet. Which convolution feeds which norm is seen
    in a pass over noise, and tried on a copy with other numbers: where its features change, since something else reads
    a convolution's result too, nothing is done.

    Args:
        network: on any device; its modules' modes do not matter and stay.
    """
    pairs = _legal_pairs(network)
    _carry(network, pairs)
    try:
        yield len(pairs)
    finally:
        _restore(network, pairs)


def _legal_pairs(network: Network) -> list[Pair]:
    normed = any(isinstance(module, nn.BatchNorm2d) for module in network.backbone.modules())
    if not normed or any(parameter.dtype != torch.float32 for parameter in network.parameters()):
        return []
    trial = copy.deepcopy(network).eval()
    with torch.no_grad():
        _disturb(trial)
        device = next(trial.parameters()).device
        noise = torch.randn(2, 3, *network.input_size, generator=torch.Generator().manual_seed(0)).to(device)
        found, truth = pairs_of(trial, noise)
        pairs = [pair for pair in found if _pays(trial.get_submodule(pair.convolution), pair.pixels)]
        _carry(trial, pairs)
        off = (trial.embed(noise) - truth).abs().max()
    return pairs if bool(off <= TOLERANCE * truth.abs().max()) else []


def _pays(convolution: Any, pixels: int) -> bool:
    """Tell whether a pass of few photos has more numbers behind a convolution than its kernel has, to be scaled."""
    return bool(FEW_PHOTOS * pixels * convolution.out_channels >= convolution.weight.numel())


def _disturb(network: nn.Module) -> None:
    """Move norms off what they start with: zeros there would hide a wrong answer."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                if tensor is not None:
                    tensor.add_(0.1 + 0.1 * torch.rand(tensor.shape, generator=generator).to(tensor))


def _carry(network: nn.Module, pairs: list[Pair]) -> None:
    for convolution, norm, _ in pairs:
        conv, bn = network.get_submodule(convolution), network.get_submodule(norm)
        _put_before(conv, _Carrier)
        conv.__dict__[_NORM] = bn  # not as an attribute: the norm would become a part of the convolution
        _put_before(bn, _Carried)


def _put_before(module: nn.Module, first: type) -> None:
    own = type(module)
    module.__class__ = type(f"{first.__name__}{own.__name__}", (first, own), {})


def _restore(network: nn.Module, pairs: list[Pair]) -> None:
    for convolution, norm, _ in pairs:
        conv, bn = network.get_submodule(convolution), network.get_submodule(norm)
        del conv.__dict__[_NORM]
        for module in (conv, bn):
            module.__class__ = type(module).__bases__[1]
