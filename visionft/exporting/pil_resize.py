"""One pass of PIL's antialiased resize, to the bit, as matrix products.

PIL multiplies levels with weights of 22 bits and adds whole numbers. Such a weight is split into two digits of 11 bits:
sums of level times digit stay below 2^24, so float32 holds them exactly, whatever the order of adding: every runtime's
matrix product gives the same, and TF32, which has room for 11 bits, does too. Neighbouring pixels of the result read
nearly the same pixels of the photo, so that a product of a block of them with their common window does little in vain.
(ONNX's own Resize computes its coordinates in float32: one pixel in 10,000 comes out a level apart, and a sharp network
makes more than 0.001 of probability of that.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visionft.exporting.graph_builder import GraphBuilder, Side, Value, arange, larger, vector
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
    x: Value, length: Side, old: Side, side: Side, start: Side, kept: Side, interpolation: Interpolation,
    skipped: Side = 0,
) -> Value:  # fmt: skip
    """Resize the first axis and keep a stretch of it.

    Args:
        x: (L, M) of whole levels in [0, 255], in any type.
        length: L.
        old: pixels of the axis, L and those that were left out.
        side: pixels of the whole resized axis.
        start: first pixel to keep of them.
        kept: number of pixels to keep.
        interpolation: the filter.
        skipped: pixels that were left out before the first of L; none that is kept is made of them.

    Returns:
        (kept, M) float32 of whole levels in [0, 255].
    """
    graph = x.graph
    blocks = (kept + BLOCK - 1) // BLOCK
    weights = _weights(graph, old, side, start, kept, blocks, interpolation)
    width = (BLOCK * old + side - 1) // side + weights.taps
    sources = (weights.first.unsqueeze(1) + arange(graph, width)).clamp(high=old - 1) - skipped
    levels = x.take(sources.reshape(-1).clamp(high=length - 1), 0).cast(np.float32)
    windows = levels.reshape(blocks, width, -1)
    high = ((weights.whole + DIGIT / 2) / DIGIT).floor()
    low = weights.whole / DIGIT - high  # as a share of the high one's unit
    digits = graph.op("Concat", high, low, axis=1).cast(np.float32)
    places = graph.op("Concat", weights.index, weights.index, axis=1)
    zeros = graph.op("ConstantOfShape", vector(graph, blocks, 2 * BLOCK, width), dtype=np.float32)
    matrices = graph.op("ScatterElements", zeros, places, digits, axis=2)
    top, low = graph.op("MatMul", matrices, windows).split(1, BLOCK, BLOCK)
    rounded = ((top + low.floor()) / DIGIT + 0.5).floor().clamp(0, 255).reshape(blocks * BLOCK, -1)
    whole = isinstance(kept, int) and kept % BLOCK == 0
    return rounded if whole else graph.op("Slice", rounded, vector(graph, 0), vector(graph, kept))


@dataclass(frozen=True)
class _Weights:
    """PIL's whole weights of blocks of pixels.

    Attributes:
        first: (blocks,) int64, the photo's first pixel that each block reads.
        index: (blocks, BLOCK, taps) int64, places in the block's window.
        whole: (blocks, BLOCK, taps) float64, the weights there.
        taps: number of weights of a pixel.
    """

    first: Value
    index: Value
    whole: Value
    taps: Side


def _weights(
    graph: GraphBuilder, old: Side, side: Side, start: Side, kept: Side, blocks: Side, interpolation: Interpolation
) -> _Weights:
    """Return PIL's weights, by its precompute_coeffs."""
    reach = SUPPORT[interpolation]
    scale = _double(graph, old) / _double(graph, side)
    stretch = scale.clamp(low=1.0)
    column = arange(graph, blocks * BLOCK).clamp(high=kept - 1) + start
    center = (column.cast(np.float64) + 0.5) * scale
    low = (center - stretch * reach + 0.5).floor().clamp(low=0)
    high = (center + stretch * reach + 0.5).floor().clamp(high=_double(graph, old))
    taps = 2 * larger(reach, (reach * old + side - 1) // side) + 1
    place = low.unsqueeze(1) + arange(graph, taps).cast(np.float64)
    weight = _filter((place - center.unsqueeze(1) + 0.5) * (1.0 / stretch), interpolation)
    weight = graph.op("Where", place < high.unsqueeze(1), weight, weight.like(0), dtype=np.float64)
    weight = weight / graph.op("ReduceSum", weight, vector(graph, 1), keepdims=1)
    whole = weight.op("Sign") * (weight.op("Abs") * ONE + 0.5).floor()
    first = low.reshape(blocks, BLOCK).take(0, 1)
    index = place.reshape(blocks, BLOCK, taps) - first.unsqueeze(1, 2)
    return _Weights(first.cast(np.int64), index.cast(np.int64), whole.reshape(blocks, BLOCK, taps), taps)


def _double(graph: GraphBuilder, side: Side) -> Value:
    return side.cast(np.float64) if isinstance(side, Value) else graph.constant(side, np.float64)


def _filter(x: Value, interpolation: Interpolation) -> Value:
    """PIL's triangle, or its cubic with a = -0.5 (Keys 1981, doi 10.1109/TASSP.1981.1163711)."""
    x = x.op("Abs")
    if interpolation == "bilinear":
        return (1.0 - x).clamp(low=0)
    near = ((x * 1.5) - 2.5) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    outer = x.graph.op("Where", x < 2.0, far, x.like(0), dtype=np.float64)
    return x.graph.op("Where", x < 1.0, near, outer, dtype=np.float64)
