"""CUDA's rules under autocast: https://docs.pytorch.org/docs/stable/amp.html#cuda-ops-that-autocast-to-float32."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from visionft.advising.cuda_autocast import CudaAutocast

OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "softmax": lambda x: x.softmax(-1),
    "sum": lambda x: x.sum(0),
    "pow": lambda x: x**2,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_norms_and_sums_go_back_to_fp32_under_autocast_alone(name: str) -> None:
    x = torch.ones(2, 4, dtype=torch.bfloat16)
    with CudaAutocast():
        assert OPERATIONS[name](x).dtype == torch.bfloat16
        with torch.autocast("cpu", torch.bfloat16):
            assert OPERATIONS[name](x).dtype == torch.float32
            assert F.linear(OPERATIONS[name](x), torch.ones(4, 4)).dtype == torch.bfloat16
            assert F.gelu(x).dtype == torch.bfloat16
