"""Frozen batch norms computed by the convolutions before them, while both go on learning.

With its statistics frozen a batch norm is a scale and a shift of every channel. Scaling the kernel instead of the
result is the same function of the same parameters, so that autograd gives each its gradient as before; what is left out
is a pass over the activations forward, two backward, and their copy in memory (benchmarks/carried.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame, conv2d_same
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils import parametrize

from visionft.backbones.network import Network
from visionft.backbones.rewrites.fuse_bn import TOLERANCE, Pair, pairs_of
from visionft.compat.torch_private import conv_forward

FEW_PHOTOS = 8  # of a pass on a processor: kernels are scaled anew in each


def _convolve(conv: Any, norm: Any, x: Tensor) -> Tensor:
    """Be the forward of a convolution that does the work of the norm behind it, unless that gathers statistics."""
    if norm.training:
        answer: Tensor = type(conv).forward(conv, x)
        return answer
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
    bias = shift * scale if norm.bias is None else torch.addcmul(norm.bias, shift, scale)
    weight = conv.weight * scale.view(-1, 1, 1, 1)
    if parametrize.type_before_parametrizations(conv) is Conv2dSame:  # which pads by the size of the photo
        answer = conv2d_same(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
    else:
        answer = conv_forward(conv, x, weight, bias)
    return answer


def _normalise(norm: Any, x: Tensor) -> Tensor:
    """Be the forward of a norm whose work is done already, unless it gathers statistics."""
    if norm.training:
        x = type(norm).forward(norm, x)
    elif isinstance(norm, BatchNormAct2d):  # which has an activation behind it
        x = norm.act(norm.drop(x))
    return x


@contextmanager
def norms_carried(network: Network) -> Iterator[int]:
    """Let convolutions do the work of the frozen norms behind them while the block runs; yields how many do.

    Parameters, buffers and their names stay as they are, and a copy made meanwhile works in the same way. Norms in
    `train()` work as ever. Left alone are kernels that are larger than what they make of a few photos, as in the last
    stages of a ResNet. Which convolution feeds which norm is seen in a pass over noise, and tried on a copy with other
    numbers: where its features change, since something else reads a convolution's result too, nothing is done. On the
    meta device, which has no numbers, nothing is tried.

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
    return pairs if truth.is_meta or bool(off <= TOLERANCE * truth.abs().max()) else []


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
    # Forwards of the instances, not of classes: torch's parametrizations make and undo classes of their own, and a
    # deep copy binds a partial to the copied modules.
    for convolution, norm, _ in pairs:
        conv, bn = network.get_submodule(convolution), network.get_submodule(norm)
        conv.forward = partial(_convolve, conv, bn)
        bn.forward = partial(_normalise, bn)


def _restore(network: nn.Module, pairs: list[Pair]) -> None:
    for convolution, norm, _ in pairs:
        for name in (convolution, norm):
            del network.get_submodule(name).__dict__["forward"]
