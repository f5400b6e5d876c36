"""Devices: which are there, and what arithmetic they have."""

from __future__ import annotations

import torch

from visionft.compat.torch_private import processor_has_bf16
from visionft.errors import UsageError
from visionft.machine.cuda_driver import NO_DEVICE


def pick_device(wanted: str) -> str:
    """Return "cuda" or "cpu".

    Raises:
        UsageError: CUDA was asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError(NO_DEVICE)
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def has_bf16(device: str) -> bool:
    """Tell whether "cuda" or "cpu" multiplies bf16 natively (a processor: AVX512-BF16 or AMX); else it is emulated."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return processor_has_bf16()


def inference_dtype(device: str) -> torch.dtype | None:
    """Return the autocast dtype for passes that need no gradient, or none for fp32."""
    if has_bf16(device):
        return torch.bfloat16
    return torch.float16 if device == "cuda" else None
