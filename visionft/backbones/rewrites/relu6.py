"""ReLU6 that keeps its result alone for the backward pass, which tells where the input was between 0 and 6.

Torch's own, in place, copies what it is given first, so that every activation lies in memory twice: once for this
derivative, once as the input of what comes next (benchmarks/carried.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones.network import Network


@contextmanager
def relu6_kept_once(network: Network) -> Iterator[int]:
    """Let every `nn.ReLU6` keep one tensor instead of two while the block runs; yields how many begin to.

    Answers and gradients are bit-equal. Compiled code stays torch's own, which decides itself what it keeps.

    Args:
        network: on any device; modules, names and modes stay, and a copy made meanwhile works in the same way.
    """
    plain = (module for module in network.modules() if "forward" not in module.__dict__)  # blocks may be nested
    modules: list[Any] = [module for module in plain if type(module) is nn.ReLU6]
    for module in modules:
        module.forward = partial(_relu6, module.inplace)
    try:
        yield len(modules)
    finally:
        for module in modules:
            del module.__dict__["forward"]


def _relu6(inplace: bool, x: Tensor) -> Tensor:
    if torch.compiler.is_compiling():
        return F.relu6(x, inplace)
    answer: Tensor = _Relu6.apply(x, inplace)
    return answer


class _Relu6(torch.autograd.Function):
    """Its derivative is taken from its result."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inplace: bool) -> Tensor:
        answer = F.relu6(x, inplace)
        if inplace:
            ctx.mark_dirty(x)
        ctx.save_for_backward(answer)
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return torch.ops.aten.hardtanh_backward(gradient, ctx.saved_tensors[0], 0.0, 6.0), None
