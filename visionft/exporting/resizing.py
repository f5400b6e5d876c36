"""One pass of PIL's antialiased resize, to the bit, in operations that ONNX has.

ONNX's own Resize computes in float32, PIL with weights of 22 bits: one pixel in 10,000 comes out a level apart, and a
sharp network makes more than 0.001 of probability out of that. So Resize does the bulk, and the few values close to the
border of two levels are computed again in PIL's own arithmetic.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from visionft.preprocess import Interpolation

DOUBT = 1 / 128
"""Levels: values nearer than this to the border are computed again. 1/256 was enough up to 8,000 pixels, 1/1024 not."""
ONE = float(1 << 22)
"""PIL's fixed-point 1, PRECISION_BITS of its Resample.c."""
SUPPORT = {"bilinear": 1, "bicubic": 2}


def resize_rows(x: Tensor, side: int, start: int, kept: int, interpolation: Interpolation) -> Tensor:
    """Resize the last axis and keep a stretch of it.

    Args:
        x: (N, C, R, L) float32 of whole levels in [0, 255].
        side: pixels of the whole resized axis.
        start: first pixel to keep of them.
        kept: number of pixels to keep.
        interpolation: the filter.

    Returns:
        (N, C, R, kept) float32 of whole levels in [0, 255].
    """
    smooth = F.interpolate(x, size=(x.shape[2], side), mode=interpolation, antialias=True)
    smooth = _stretch_of(smooth, start, kept)
    rounded = (smooth + 0.5).floor().clamp(0, 255).flatten()
    doubtful = ((smooth - smooth.floor() - 0.5).abs() < DOUBT).flatten().nonzero().squeeze(1)
    row = torch.div(doubtful, torch.full((1,), 1) * kept, rounding_mode="floor")
    exact = _exact(x, row, doubtful - row * kept, _weights(x.shape[3], side, start, kept, interpolation))
    return rounded.scatter(0, doubtful, exact).view(smooth.shape)


def _stretch_of(x: Tensor, start: int, length: int) -> Tensor:
    """Slice the last axis; the new shape gives torch.export the size that it loses by a start it cannot know."""
    part = x[..., start : start + length]
    return part.reshape(x.shape[0], x.shape[1], x.shape[2], length)


def _exact(x: Tensor, row: Tensor, column: Tensor, weights: tuple[Tensor, Tensor]) -> Tensor:
    """Compute kept pixels (M,) as PIL's ImagingResampleHorizontal_8bpc does, from the weights of their columns."""
    place, whole = (table.index_select(0, column) for table in weights)
    source = row[:, None] * x.shape[3] + place
    # A gather and no index_select: onnxruntime takes single numbers many times faster by GatherElements than by Gather.
    level = x.flatten().gather(0, source.flatten()).view(source.shape)
    total = (level.double() * whole).sum(1) + ONE / 2
    return (total / ONE).floor().clamp(0, 255).float()


def _weights(old: int, side: int, start: int, kept: int, interpolation: Interpolation) -> tuple[Tensor, Tensor]:
    """Return sources and whole weights, (kept, taps) each, as PIL's precompute_coeffs does: once for all rows."""
    reach = SUPPORT[interpolation]
    scale = torch.full((1,), 1.0, dtype=torch.float64) * old / side
    stretch = scale.clamp(min=1.0)
    center = ((torch.arange(kept) + start).double() + 0.5) * scale
    low = (center - reach * stretch + 0.5).floor().clamp(min=0)
    high = (center + reach * stretch + 0.5).floor().clamp(max=old)
    taps = 2 * cast(int, torch.sym_max(reach, (reach * old + side - 1) // side)) + 1
    place = low[:, None] + torch.arange(taps)
    weight = _filter((place - center[:, None] + 0.5) * (1.0 / stretch), interpolation)
    weight = torch.where(place < high[:, None], weight, torch.zeros_like(weight))
    weight = weight / weight.sum(1, keepdim=True)
    whole = torch.sign(weight) * (weight.abs() * ONE + 0.5).floor()
    return place.long().clamp(max=old - 1), whole


def _filter(x: Tensor, interpolation: Interpolation) -> Tensor:
    """PIL's triangle, or its cubic with a = -0.5 (Keys 1981, doi 10.1109/TASSP.1981.1163711)."""
    x = x.abs()
    if interpolation == "bilinear":
        return (1.0 - x).clamp(min=0.0)
    near = ((1.5 * x) - 2.5) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, torch.zeros_like(x)))
