"""CUDA's rules of mixed precision where there is no CUDA: which operations go back to fp32."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

WIDENED = frozenset({F.layer_norm, F.group_norm, torch.pow, Tensor.pow, Tensor.__pow__, torch.rsqrt, Tensor.rsqrt,
                     torch.exp, Tensor.exp, torch.log, Tensor.log, torch.norm, Tensor.norm})  # fmt: skip
"""Operations whose inputs CUDA's autocast makes fp32, of those that image networks have."""
WIDE_ANSWER = frozenset({F.softmax, torch.softmax, Tensor.softmax, F.log_softmax, torch.log_softmax, Tensor.log_softmax,
                         torch.sum, Tensor.sum, torch.cumsum, Tensor.cumsum, torch.prod, Tensor.prod})  # fmt: skip
"""Operations whose answer it makes fp32."""


class CudaAutocast(TorchFunctionMode):
    """Let operations on the processor take, under autocast, the types that they would have on a GPU.

    The processor's autocast computes norms and softmax in 16 bits where CUDA's goes back to fp32 and keeps that for the
    backward pass. Convolutions and matrix products are in 16 bits on both.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.is_autocast_enabled("cpu"):
            if func in WIDENED:
                args, kwargs = tuple(map(_wide, args)), {name: _wide(value) for name, value in kwargs.items()}
            elif func in WIDE_ANSWER and _narrow(args[0]) and kwargs.get("dtype") is None:
                kwargs = {**kwargs, "dtype": torch.float32}
        return func(*args, **kwargs)


def _narrow(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)


def _wide(value: Any) -> Any:
    return value.float() if _narrow(value) else value
