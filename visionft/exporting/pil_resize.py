"""One pass of PIL's antialiased resize, to the bit, as matrix products.

PIL multiplies levels with weights of 22 bits and adds whole numbers. Such a weight is split into two digits of 11 bits:
sums of level times digit stay below 2^24, so float32 holds them exactly, whatever the order of adding: every runtime's
matrix product gives the same, and TF32, which has room for 11 bits, does too. Neighbouring pixels of the result read
nearly the same pixels of the photo, so that a product of a block of them with their common window does little in vain.
(ONNX's own Resize computes its coordinates in float32: one pixel in 10,000 comes out a level apart, and a sharp network
makes more than 0.001 of probability of that.)
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from visionft.preprocess import Interpolation

BLOCK = 8
"""Pixels of the result in one product: fewer do less in vain, more keep a processor's units busier."""
ONE = float(1 << 22)
"""PIL's fixed-point 1, PRECISION_BITS of its Resample.c."""
DIGIT = float(1 << 11)
"""Where a weight is split. Of 64 weights, which is a side shrunk to a 16th, even the worst sum is below 2^24; of more,
a sum that is not has never been seen: the low digits would all have to have one sign."""
SUPPORT = {"bilinear": 1, "bicubic": 2}


def resize(
    x: Tensor, old: int, side: int, start: int, kept: int, interpolation: Interpolation, skipped: int = 0
) -> Tensor:
    """Resize the first axis and keep a stretch of it.

    Args:
        x: (L, M) of whole levels in [0, 255], in any type.
        old: pixels of the axis, L and those that were left out.
        side: pixels of the whole resized axis.
        start: first pixel to keep of them.
        kept: number of pixels to keep.
        interpolation: the filter.
        skipped: pixels that were left out before the first of L; none that is kept is made of them.

    Returns:
        (kept, M) float32 of whole levels in [0, 255].
    """
    blocks = (kept + BLOCK - 1) // BLOCK
    first, index, whole = _weights(old, side, start, kept, blocks, interpolation)
    width = (BLOCK * old + side - 1) // side + index.shape[2]
    sources = (first[:, None] + torch.arange(width)).clamp(max=old - 1) - skipped
    windows = x.index_select(0, sources.flatten().clamp(max=x.shape[0] - 1)).float().view(blocks, width, -1)
    high = ((whole + DIGIT / 2) / DIGIT).floor()
    digits = torch.cat([high, whole / DIGIT - high], 1).float()  # the low one as a share of the high one's unit
    matrices = torch.zeros(blocks, 2 * BLOCK, width).scatter(2, torch.cat([index, index], 1), digits)
    top, low = torch.split(torch.matmul(matrices, windows), BLOCK, 1)
    levels: Tensor = ((top + low.floor()) / DIGIT + 0.5).floor().clamp(0, 255).flatten(0, 1)
    return levels if isinstance(kept, int) and kept % BLOCK == 0 else levels[:kept]


def _weights(
    old: int, side: int, start: int, kept: int, blocks: int, interpolation: Interpolation
) -> tuple[Tensor, Tensor, Tensor]:
    """Return PIL's whole weights, by its precompute_coeffs.

    Returns:
        First pixel of the photo that each block reads (blocks,); places in its window (blocks, BLOCK, taps); weights
        there, float64 of the same shape.
    """
    reach = SUPPORT[interpolation]
    scale = torch.full((1,), 1.0, dtype=torch.float64) * old / side
    stretch = scale.clamp(min=1.0)
    column = torch.arange(blocks * BLOCK).clamp(max=kept - 1) + start
    center = (column.double() + 0.5) * scale
    low = (center - reach * stretch + 0.5).floor().clamp(min=0)
    high = (center + reach * stretch + 0.5).floor().clamp(max=old)
    taps = 2 * cast(int, torch.sym_max(reach, (reach * old + side - 1) // side)) + 1
    place = low[:, None] + torch.arange(taps)
    weight = _filter((place - center[:, None] + 0.5) * (1.0 / stretch), interpolation)
    weight = torch.where(place < high[:, None], weight, torch.zeros_like(weight))
    weight = weight / weight.sum(1, keepdim=True)
    whole = torch.sign(weight) * (weight.abs() * ONE + 0.5).floor()
    first = low.view(blocks, BLOCK)[:, 0]
    index = place.view(blocks, BLOCK, taps) - first[:, None, None]
    return first.long(), index.long(), whole.view(blocks, BLOCK, taps)


def _filter(x: Tensor, interpolation: Interpolation) -> Tensor:
    """PIL's triangle, or its cubic with a = -0.5 (Keys 1981, doi 10.1109/TASSP.1981.1163711)."""
    x = x.abs()
    if interpolation == "bilinear":
        return (1.0 - x).clamp(min=0.0)
    near = ((1.5 * x) - 2.5) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, torch.zeros_like(x)))
