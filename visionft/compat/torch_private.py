"""What visionft needs of torch beyond its public names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "TorchDispatchMode", "conv_forward", "fake_tensors", "is_batch_norm", "lerp_all", "place_of", "processor_has_bf16",
]  # fmt: skip


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


def place_of(tensor: Tensor) -> tuple[int, int]:
    """Return what two tensors have in common where they begin at one place: an address would be 0 for all fake ones."""
    return tensor.untyped_storage()._cdata, int(tensor.storage_offset())


def fake_tensors() -> Callable[[], AbstractContextManager[None]]:
    """Return what opens blocks in which tensors have shapes and sizes of storages, but no numbers and no memory.

    Tensors of one block may be used in the next one of the same opener. Real tensors may be read. A deep copy of a fake
    tensor is one too.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode  # here: a third of a second that nothing else needs

    class Mode(FakeTensorMode):  # type: ignore[no-untyped-call]
        def __deepcopy__(self, memo: dict[int, Any]) -> Mode:
            return self

    mode = Mode(allow_non_fake_inputs=True)

    @contextmanager
    def block() -> Iterator[None]:
        with mode, warnings.catch_warnings():
            # a deep copy looks whether a tensor has an address, and fake ones say that they have none
            warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")
            yield

    return block
