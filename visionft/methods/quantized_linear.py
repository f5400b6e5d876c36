"""Frozen linear layers whose weights are stored small: bf16, int8, or NormalFloat in 4 bits (QLoRA, arXiv 2305.14314).

The backward pass rebuilds the weight instead of keeping it, so that only the small form stays in memory. Only packing
and unpacking of NF4 are bitsandbytes': its own layer repacks weights in an evaluation pass on some processors, and the
next training step fails.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.errors import MissingExtraError
from visionft.machine.process_state import quiet_loggers

Storage = Literal["bf16", "int8", "nf4"]
BLOCK, NESTED_BLOCK = 64, 256  # of the paper: weights a scale, and scales a scale of scales


class Bf16Store(nn.Module):
    """A weight (out, in) in bfloat16: half the memory, 8 bits of mantissa."""

    packed: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("packed", weight.to(torch.bfloat16))

    def forward(self) -> Tensor:
        """Return the weight (out, in)."""
        return self.packed


class Int8Store(nn.Module):
    """A weight (out, in) as whole numbers from -127 to 127 with one scale a row, (out, 1)."""

    packed: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny) / 127
        self.register_buffer("packed", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self) -> Tensor:
        """Return the weight (out, in)."""
        return self.packed * self.scale


class Nf4Store(nn.Module):
    """A weight (out, in) in NormalFloat of 4 bits, in blocks of 64, whose scales are quantised too.

    It is kept with one block a row: bitsandbytes' unpacking for processors is wrong where a block goes over the end of
    a row (152 x 608 came back 25 % away).

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.shape = weight.shape
        blocks = F.pad(weight.flatten(), (0, -weight.numel() % BLOCK)).view(-1, BLOCK)
        packed, state = _bitsandbytes().quantize_4bit(
            blocks, blocksize=BLOCK, compress_statistics=True, quant_type="nf4"
        )
        tensors = {
            "packed": packed, "absmax": state.absmax, "code": state.code, "offset": state.offset,
            "nested_absmax": state.state2.absmax, "nested_code": state.state2.code,
        }  # fmt: skip
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self) -> Tensor:
        """Return the weight (out, in)."""
        functional, own = _bitsandbytes(), dict(self.named_buffers())
        nested = functional.QuantState(
            absmax=own["nested_absmax"], code=own["nested_code"], blocksize=NESTED_BLOCK, dtype=torch.float32
        )
        state = functional.QuantState(
            absmax=own["absmax"], shape=(len(own["absmax"]), BLOCK), code=own["code"], blocksize=BLOCK,
            quant_type="nf4", dtype=torch.float32, offset=own["offset"], state2=nested,
        )  # fmt: skip
        blocks: Tensor = functional.dequantize_4bit(own["packed"], state)
        return blocks.flatten()[: self.shape.numel()].view(self.shape)


Store = Bf16Store | Int8Store | Nf4Store
STORES: dict[Storage, type[Store]] = {"bf16": Bf16Store, "int8": Int8Store, "nf4": Nf4Store}


class QuantizedLinear(nn.Module):
    """A frozen linear layer over a stored weight.

    Args:
        store: of the weight (out, in).
        shape: (out, in).
        bias: (out,) or none.
    """

    def __init__(self, store: Store, shape: tuple[int, int], bias: nn.Parameter | None) -> None:
        super().__init__()
        self.store = store
        self.out_features, self.in_features = shape
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out), in autocast's arithmetic where it is on."""
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        y: Tensor = _Rebuilt.apply(x.to(dtype), self.store)
        return y if self.bias is None else y + self.bias.to(dtype)


def quantize(backbone: nn.Module, storage: Storage, bypassed: frozenset[str]) -> int:
    """Replace the linear layers that are called as modules; return how many there were.

    Args:
        backbone: changed in place.
        storage: how the weights are kept.
        bypassed: layers whose weight is read past the module; they stay as they are.

    Raises:
        MissingExtraError: `nf4` needs bitsandbytes.
    """
    found = [path for path, module in backbone.named_modules() if type(module) is nn.Linear and path not in bypassed]
    for path in found:
        layer = backbone.get_submodule(path)
        assert isinstance(layer, nn.Linear)
        parent, _, own = path.rpartition(".")
        store = STORES[storage](layer.weight.detach())
        small = QuantizedLinear(store, (layer.out_features, layer.in_features), layer.bias)
        setattr(backbone.get_submodule(parent), own, small.train(layer.training))
    return len(found)


class _Rebuilt(torch.autograd.Function):
    """x W^T with a weight that is rebuilt for the backward pass, and has no gradient itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, store: Store) -> Tensor:
        ctx.store = store
        return F.linear(x, store().to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return gradient @ ctx.store().to(gradient.dtype), None


def _bitsandbytes() -> Any:
    try:
        # it recommends a package for its own 4-bit multiplication, which is not used here
        with quiet_loggers(logging.ERROR, "bitsandbytes.backends.cpu.ops"):
            from bitsandbytes import functional
    except ImportError as error:
        raise MissingExtraError(
            "--method qlora with quantization nf4 needs bitsandbytes, which is not installed; "
            "pip install 'visionft[qlora]', or give --method.quantization int8"
        ) from error
    return functional
