"""mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899) of a whole batch, as pure functions of (seed, step)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from visionft.runs.criterion import Targets
from visionft.settings import AugmentSettings


def mixes(settings: AugmentSettings) -> bool:
    """Tell whether photos are mixed with others of their batch."""
    return settings.mixup > 0 or settings.cutmix > 0


def mix(pixels: Tensor, labels: Tensor, settings: AugmentSettings, seed: int, step: int) -> tuple[Tensor, Targets]:
    """Mix each photo of the batch (B, 3, H, W) with another one; without mixup and CutMix the batch passes unchanged.

    Where both are on, one of them is drawn for each step.
    """
    kinds = [name for name in ("mixup", "cutmix") if getattr(settings, name) > 0]
    if not kinds:
        return pixels, Targets(labels)
    random = np.random.default_rng([seed, step, 0x6D6978])  # "mix": apart from the other uses of (seed, step)
    kind = kinds[random.integers(len(kinds))]
    alpha = getattr(settings, kind)
    share = float(random.beta(alpha, alpha))
    order = _sent(torch.from_numpy(random.permutation(len(labels))), labels.device)
    if kind == "mixup":
        return torch.lerp(pixels[order], pixels, share), Targets(labels, labels[order], share)
    top, bottom, left, right = _box(random, pixels.shape[-2], pixels.shape[-1], share)
    mixed = pixels.clone()
    mixed[:, :, top:bottom, left:right] = pixels[order, :, top:bottom, left:right]
    pasted = (bottom - top) * (right - left) / (pixels.shape[-2] * pixels.shape[-1])
    return mixed, Targets(labels, labels[order], 1 - pasted)


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to a device without waiting for it, which memory that may be moved would make the host do."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _box(random: np.random.Generator, height: int, width: int, share: float) -> tuple[int, int, int, int]:
    h, w = (round(side * math.sqrt(1 - share)) for side in (height, width))
    y, x = int(random.integers(height)), int(random.integers(width))
    return max(0, y - h // 2), min(height, y + h // 2), max(0, x - w // 2), min(width, x + w // 2)
