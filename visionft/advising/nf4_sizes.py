"""NormalFloat weights by their sizes alone: bitsandbytes cannot pack a weight that has no numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from visionft.methods.quantized_linear import BLOCK, NESTED_BLOCK, QuantizedLinear

CODES = 256
"""Values that a scale of 8 bits may have."""


class Nf4Sizes(nn.Module):
    """What `Nf4Store` keeps of a weight (out, in) and what it needs to rebuild it, tensor by tensor.

    For 64 weights: 32 bytes, and a scale of 8 bits; for 256 scales one more in fp32.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape, self.blocks = shape, math.ceil(shape[0] * shape[1] / BLOCK)
        for name, size, dtype in (
            ("packed", self.blocks * BLOCK // 2, torch.uint8),
            ("absmax", self.blocks, torch.uint8),
            ("code", 16, torch.float32),
            ("offset", 1, torch.float32),
            ("nested_absmax", math.ceil(self.blocks / NESTED_BLOCK), torch.float32),
            ("nested_code", CODES, torch.float32),
        ):
            self.register_buffer(name, torch.empty(size, dtype=dtype))

    def forward(self) -> Tensor:
        """Return the weight (out, in)."""
        scales = torch.empty(self.blocks, device=self.packed.device)
        blocks = torch.empty(self.blocks, BLOCK, device=self.packed.device)
        del scales  # lives as long as the blocks are made
        return blocks.flatten()[: math.prod(self.shape)].view(self.shape)

    packed: Tensor


def as_nf4(network: nn.Module) -> None:
    """Put these sizes into every quantised layer of a network."""
    for module in network.modules():
        if isinstance(module, QuantizedLinear):
            module.store = Nf4Sizes((module.out_features, module.in_features))  # type: ignore[assignment]
