"""The two halves of the exported graph as torch modules."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones import Network
from visionft.exporting.pil_resize import resize
from visionft.preprocess import Preprocess, centre


class PreprocessHalf(nn.Module):
    """Photos of one size to the network's input: (N, H, W, 3) uint8 to (N, 3, h, w) float32, normalised.

    Resizes as PIL does: the width, rounded to 8 bits, then the height, likewise, and to the bit (see `resizing`).
    Sides follow the integer arithmetic of `visionft.preprocess`; what the crop drops is left out after each pass.
    """

    mean: Tensor
    std: Tensor
    fill: Tensor

    def __init__(self, preprocess: Preprocess) -> None:
        super().__init__()
        self.preprocess = preprocess
        for name in ("mean", "std", "fill"):
            values = torch.tensor(getattr(preprocess, name), dtype=torch.float32)
            self.register_buffer(name, values.view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the normalised input of the network, float32 (N, 3, h, w), of photos uint8 (N, H, W, 3)."""
        n, wide, rule = image.shape[0], image.shape[2], self.preprocess.interpolation
        tall = image.shape[1]
        height, width = self._resized(tall, wide)
        (top, rows), (left, columns) = self._kept(0, height), self._kept(1, width)
        first, count = self._sources(tall, height, top, rows)
        # Only matrices are transposed: onnxruntime does that many times faster than any other order of axes.
        x = _rows(image, first, count).reshape(n * count, wide * 3).t()
        x = resize(x.reshape(wide, 3 * n * count), wide, width, left, columns, rule)
        x = x.reshape(columns * 3 * n, count).t()
        x = resize(x, tall, height, top, rows, rule, first)
        x = x.reshape(rows * columns, 3 * n).t().reshape(3, n, rows, columns).transpose(0, 1)
        return (self._pad(x, rows, columns) / 255.0 - self.mean) / self.std

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Repeat `Preprocess.resized` on symbolic sides."""
        (high, wide), rule = self.preprocess.box, self.preprocess.resize
        if rule == "squash":
            return high, wide
        if rule == "shortest" and high == wide:
            tall, broad = (height * wide) // width, (width * high) // height
        else:
            tall, broad = (2 * height * wide + width) // (2 * width), (2 * width * high + height) // (2 * height)
        if rule == "shortest":
            return _larger(high, tall), _larger(wide, broad)
        return _larger(1, _smaller(high, tall)), _larger(1, _smaller(wide, broad))

    def _kept(self, axis: int, side: int) -> tuple[int, int]:
        """Return the first pixel and the number of pixels that the crop keeps of a resized side."""
        keep, box = self.preprocess.size[axis], self.preprocess.box[axis]
        if box <= keep and self.preprocess.resize != "shortest":
            return 0, side
        if box >= keep and self.preprocess.resize != "longest":
            return centre(side - keep), keep  # no side is smaller than its box
        return centre(_larger(0, side - keep)), _smaller(side, keep)

    def _sources(self, tall: int, height: int, top: int, rows: int) -> tuple[int, int]:
        """Return the first and the number of the photo's rows that the kept rows are made of, and a few more.

        Some may lie outside the photo: torch.export takes seconds to reason about every size that has a limit.
        """
        if self.preprocess.resize == "longest":
            return 0, tall
        reach = 2 * (tall // height) + 4  # twice the stretch on either side, each rounded up, and one to spare
        first = top * tall // height - reach
        return first, ((top + rows) * tall + height - 1) // height + reach - first

    def _pad(self, x: Tensor, rows: int, columns: int) -> Tensor:
        (height, width), box = self.preprocess.size, self.preprocess.box
        if self.preprocess.resize != "longest" and box[0] >= height and box[1] >= width:
            return x
        top, left = (height - rows) // 2, (width - columns) // 2
        return F.pad(x - self.fill, (left, width - columns - left, top, height - rows - top)) + self.fill


def _rows(image: Tensor, first: int, count: int) -> Tensor:
    """Keep a stretch of rows: a Gather and no slice, whose size torch.export loses if its start is symbolic."""
    return image.index_select(1, (torch.arange(count) + first).clamp(0, image.shape[1] - 1))


def _larger(a: int, b: int) -> int:
    return cast(int, torch.sym_max(a, b))


def _smaller(a: int, b: int) -> int:
    return cast(int, torch.sym_min(a, b))


class NetworkHalf(nn.Module):
    """The network's input (N, 3, h, w) float32 to raw logits (N, C) and embedding (N, E) of length 1."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, C) and the L2-normalised embedding (N, E) of pixels (N, 3, h, w).

        It is the features before the head, or what the head made of them where it projects.
        """
        features = self.network.embed(pixels)
        outputs = self.network.head(features)
        return outputs, F.normalize(self.network.described(features, outputs), dim=1)
