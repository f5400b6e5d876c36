"""Where final figures are computed."""

from __future__ import annotations

import torch


def exact_device() -> str:
    """Return the device for final figures, with TF32 off: they are those of fp32."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return "cuda" if torch.cuda.is_available() else "cpu"
