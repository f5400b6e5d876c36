"""What visionft needs of torch beyond its public names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def is_batch_norm(module: nn.Module) -> bool:
    """Tell whether a module is a batch norm of any dimension, timm's included: torch names their base privately."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


def conv_forward(conv: nn.Module, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve [B, C, H, W] as a Conv2d would, padding mode included, with other weights than its own."""
    answer: Tensor = conv._conv_forward(x, weight, bias)  # type: ignore[operator]  # nn.Module's attributes are unions
    return answer


def lerp_all(tensors: Sequence[Tensor], ends: Sequence[Tensor], weight: float) -> None:
    """Move floating-point tensors in place a share of the way to their ends, in few launches on a GPU."""
    torch._foreach_lerp_(list(tensors), list(ends), weight)


def processor_has_bf16() -> bool:
    """Tell whether the processor multiplies bf16 natively: by AVX512-BF16 or AMX."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
