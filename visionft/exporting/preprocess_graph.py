"""The first half of the exported graph: photos of any size to the network's input, written node by node.

torch's exporter makes the same graph of the same arithmetic, and reasons for seven to eleven seconds about its symbolic
sides before it does.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from onnx import ModelProto, TensorProto, helper

from visionft.bundle import names as n
from visionft.exporting.graph_builder import GraphBuilder, Side, Value, arange, larger, smaller, vector
from visionft.exporting.pil_resize import resize
from visionft.preprocess import Preprocess, centre


def preprocess_part(preprocess: Preprocess, opset: int) -> ModelProto:
    """Return the preprocess half: `image` (N, H, W, 3) uint8 to `pixels` (N, 3, h, w) float32, normalised.

    It resizes as PIL does: the width, rounded to 8 bits, then the height, likewise, and to the bit (see `pil_resize`).
    Sides follow the integer arithmetic of `visionft.preprocess`; what the crop drops is left out after each pass.

    Args:
        preprocess: the evaluation transform.
        opset: version of ai.onnx, from 18 up.
    """
    graph = GraphBuilder()
    _normalised(graph, _PhotoHalf(preprocess, graph.given(n.IMAGE, np.uint8)).levels(), preprocess)
    image = helper.make_tensor_value_info(n.IMAGE, TensorProto.UINT8, ["N", "H", "W", 3])
    pixels = helper.make_tensor_value_info(n.PIXELS, TensorProto.FLOAT, ["N", 3, *preprocess.size])
    return graph.model([image], [pixels], opset)


def _normalised(graph: GraphBuilder, levels: Value, preprocess: Preprocess) -> Value:
    mean, std = (graph.constant(_by_channel(values), np.float32) for values in (preprocess.mean, preprocess.std))
    return graph.op("Div", levels / 255.0 - mean, std, output=n.PIXELS)


def _by_channel(values: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, np.float32).reshape(1, 3, 1, 1)


class _PhotoHalf:
    """Resize, crop and pad of photos of one size."""

    def __init__(self, preprocess: Preprocess, image: Value) -> None:
        self.preprocess, self.image = preprocess, image
        sides = image.sides()
        self.n, self.tall, self.wide = (sides.take(axis, 0) for axis in range(3))

    def levels(self) -> Value:
        """Return whole levels (N, 3, h, w) float32 in [0, 255]."""
        n, tall, wide, rule = self.n, self.tall, self.wide, self.preprocess.interpolation
        height, width = self._resized()
        (top, rows), (left, columns) = self._kept(0, height), self._kept(1, width)
        first, count = self._sources(height, top, rows)
        # Only matrices are transposed: onnxruntime does that many times faster than any other order of axes.
        x = self._rows(first, count).reshape(n * count, wide * 3).transposed(1, 0)
        x = resize(x.reshape(wide, 3 * n * count), wide, wide, width, left, columns, rule)
        x = x.reshape(columns * 3 * n, count).transposed(1, 0)
        x = resize(x, count, tall, height, top, rows, rule, first)
        x = x.reshape(rows * columns, 3 * n).transposed(1, 0)
        return self._padded(x.reshape(3, n, rows, columns).transposed(1, 0, 2, 3), rows, columns)

    def _resized(self) -> tuple[Side, Side]:
        """Repeat `Preprocess.resized` on sides that are known later."""
        (high, wide), rule, height, width = self.preprocess.box, self.preprocess.resize, self.tall, self.wide
        if rule == "squash":
            return high, wide
        if rule == "shortest" and high == wide:
            tall, broad = (height * wide) // width, (width * high) // height
        else:
            tall, broad = (2 * height * wide + width) // (2 * width), (2 * width * high + height) // (2 * height)
        if rule == "shortest":
            return larger(tall, high), larger(broad, wide)
        return larger(smaller(tall, high), 1), larger(smaller(broad, wide), 1)

    def _kept(self, axis: int, side: Side) -> tuple[Side, Side]:
        """Return the first pixel and the number of pixels that the crop keeps of a resized side."""
        keep, box = self.preprocess.size[axis], self.preprocess.box[axis]
        if box <= keep and self.preprocess.resize != "shortest":
            return 0, side
        if box >= keep and self.preprocess.resize != "longest":
            return _centre(side - keep), keep  # no side is smaller than its box
        return _centre(larger(side - keep, 0)), smaller(side, keep)

    def _sources(self, height: Side, top: Side, rows: Side) -> tuple[Side, Side]:
        """Return the first and the number of the photo's rows that the kept rows are made of, and a few more.

        Some may lie outside the photo.
        """
        if self.preprocess.resize == "longest":
            return 0, self.tall
        reach = 2 * (self.tall // height) + 4  # twice the stretch on either side, each rounded up, and one to spare
        first = top * self.tall // height - reach
        return first, ((top + rows) * self.tall + height - 1) // height + reach - first

    def _rows(self, first: Side, count: Side) -> Value:
        return self.image.take((arange(self.image.graph, count) + first).clamp(0, self.tall - 1), 1)

    def _padded(self, x: Value, rows: Side, columns: Side) -> Value:
        (height, width), box = self.preprocess.size, self.preprocess.box
        if self.preprocess.resize != "longest" and box[0] >= height and box[1] >= width:
            return x
        fill = x.like(_by_channel(self.preprocess.fill))
        top, left = (height - rows) // 2, (width - columns) // 2
        pads = vector(x.graph, 0, 0, top, left, 0, 0, height - rows - top, width - columns - left)
        return x.graph.op("Pad", x - fill, pads) + fill


def _centre(extra: Side) -> Side:
    return cast(Side, centre(cast(int, extra)))
