"""The evaluation transform as data, and its reference in numpy and PIL: the second contract.

Every side is integer arithmetic that a graph can repeat (h, w: the photo; H, W: the model's input; r: `resize_to`):

- The box is (RH, RW) = (H * r // min(H, W), W * r // min(H, W)); for a square input (r, r).
- `shortest` covers the box:   (max(RH, scaled(h, RW, w)), max(RW, scaled(w, RH, h))), then the centre is cropped.
- `longest` fits into the box: (min(RH, scaled(h, RW, w)), min(RW, scaled(w, RH, h))), at least 1, then padded.
- `squash` takes the box itself, whatever the photo's shape, then the centre is cropped.
- `scaled(a, b, c)` is a * b // c when a square input is covered and (2 * a * b + c) // (2 * c), the nearest, otherwise.
- A crop that drops n pixels of a side starts at n // 2 + (n + 1) // 4 - n // 4, which is n / 2 rounded half to even.
- A border of n pixels has n // 2 of them before the picture.

The sides and offsets are timm's and torchvision's. The resize is PIL's antialiased one, an axis at a time: the width
first, rounded to 8 bits, then the height, as PIL before 13 does in one call. (PIL 13 takes the height first where that
shrinks much more, https://github.com/python-pillow/Pillow/pull/9549; a graph has one order.) Columns do not mix in the
second pass, so cropping them before it changes no pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import DataError, UsageError

Resize = Literal["shortest", "longest", "squash"]
Interpolation = Literal["bilinear", "bicubic"]
Pixels = NDArray[np.uint8]

VERSION = 1
MEAN_FILL = (-1, -1, -1)
"""Stands for "the mean, in levels" where a fill is asked for."""

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# Longer sides are never made whole: a photo of 1 x 65,535 pixels would need gigabytes for the 224 that are kept.
_WHOLE = 1 << 17


def supported(interpolation: str) -> Interpolation:
    """Return the resize used for a name in timm's configurations: `bilinear` stays, everything else becomes `bicubic`.

    `random` would answer differently each time; `lanczos` and `nearest` have no antialiased operator in ONNX.
    """
    return "bilinear" if interpolation == "bilinear" else "bicubic"


def centre(extra: int) -> int:
    """Return where a centre crop that drops `extra` >= 0 pixels starts: extra / 2, rounded half to even."""
    return extra // 2 + (extra + 1) // 4 - extra // 4


def fitted(height: int, width: int, box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (height, width) of a photo's own ratio that fits into a box (H, W), each at least 1 pixel."""
    high, wide = box
    return max(1, min(high, _nearest(height, wide, width))), max(1, min(wide, _nearest(width, high, height)))


def padded(pixels: Pixels, size: tuple[int, int], fill: tuple[int, int, int]) -> Pixels:
    """Put pixels (h, w, 3) in the middle of (H, W, 3) of RGB levels `fill`; those of the size are given back."""
    height, width = pixels.shape[:2]
    if (height, width) == size:
        return pixels
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas: Pixels = np.full((*size, 3), fill, np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas


@dataclass(frozen=True)
class Preprocess:
    """How RGB pixels of any size become the model's input.

    Attributes:
        size: (H, W) of the input, in pixels.
        resize: `shortest` covers the input and crops, `longest` fits into it and pads, `squash` ignores the shape.
        resize_to: pixels, what the shorter side of the input becomes before crop or pad; timm's floor(side / crop_pct).
        interpolation: `bilinear` or `bicubic`, both antialiased.
        mean: of each channel, in [0, 1].
        std: of each channel, above 0.
        fill: RGB levels around a photo that does not cover the input; the mean unless given.
    """

    size: tuple[int, int]
    resize: Resize
    resize_to: int
    interpolation: Interpolation
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fill: tuple[int, int, int] = MEAN_FILL

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise UsageError("\n".join(faults))
        if self.fill == MEAN_FILL:
            red, green, blue = (round(255 * value) for value in self.mean)
            object.__setattr__(self, "fill", (red, green, blue))

    @property
    def box(self) -> tuple[int, int]:
        """(height, width) in pixels that a photo is resized to cover, fit into or fill; the shorter is `resize_to`."""
        height, width = self.size
        least = min(height, width)
        return height * self.resize_to // least, width * self.resize_to // least

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of a photo after the resize and before crop or pad, each at least 1 pixel."""
        high, wide = self.box
        if self.resize == "squash":
            return high, wide
        if self.resize == "longest":
            return fitted(height, width, self.box)
        scaled = _floor if high == wide else _nearest
        return max(high, scaled(height, wide, width)), max(wide, scaled(width, high, height))

    def pixels(self, image: Pixels) -> Pixels:
        """Resize, then crop or pad about the centre: (h, w, 3) RGB levels in, (H, W, 3) out, a new array."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise UsageError(f"not RGB pixels: {image.dtype} {image.shape}; give uint8 of shape (height, width, 3)")
        height, width = self.resized(*image.shape[:2])
        resample = _FILTERS[self.interpolation]
        picture = _stretch(Image.fromarray(image), 0, width, self.size[1], resample)
        picture = _stretch(picture, 1, height, self.size[0], resample)
        return padded(np.array(picture), self.size, self.fill)

    def tensor(self, image: Pixels) -> NDArray[np.float32]:
        """Return the model's input of one photo: (3, H, W) float32, (pixels / 255 - mean) / std."""
        scaled = self.pixels(image).transpose(2, 0, 1).astype(np.float32, order="C") / np.float32(255)
        mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (self.mean, self.std))
        normalised: NDArray[np.float32] = (scaled - mean) / std
        return normalised

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict for preprocess.json and bundle.json, with the version of this layout."""
        return {"version": VERSION} | {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; DataError if it is of another version or not such a dict."""
        if (version := values.get("version")) != VERSION:
            raise DataError(f"the preprocess is of version {version!r}; this visionft reads {VERSION}: update visionft")
        known = {field.name for field in fields(cls)}
        if odd := sorted((set(values) - {"version"}) ^ known):
            raise DataError(f"the preprocess lacks or has by mistake {', '.join(map(repr, odd))}; export it again")
        return cls(**{key: _frozen(values[key]) for key in known})


def _faults(preprocess: Preprocess) -> list[str]:
    """Return one line for every field that cannot be."""
    rules = (
        (len(preprocess.size) == 2 and min(preprocess.size) >= 1, "size", "(height, width) in pixels"),
        (preprocess.resize in get_args(Resize), "resize", "one of shortest, longest, squash"),
        (preprocess.resize_to >= 1, "resize_to", "at least 1 pixel"),
        (preprocess.interpolation in get_args(Interpolation), "interpolation", "bilinear or bicubic"),
        (len(preprocess.mean) == 3, "mean", "three numbers in [0, 1]"),
        (len(preprocess.std) == 3 and min(preprocess.std) > 0, "std", "three numbers above 0"),
        (len(preprocess.fill) == 3, "fill", "three levels in 0..255"),
    )
    given = vars(preprocess)
    return [f"preprocess.{name} is {given[name]!r}: give {wanted}" for good, name, wanted in rules if not good]


def _floor(side: int, to: int, of: int) -> int:
    return side * to // of


def _nearest(side: int, to: int, of: int) -> int:
    return (2 * side * to + of) // (2 * of)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:  # one field of a JSON object
    return tuple(value) if isinstance(value, list) else value


def _stretch(picture: Image.Image, axis: int, side: int, keep: int, resample: Image.Resampling) -> Image.Image:
    """Resize one axis (0 width, 1 height) to `side` pixels and keep at most the `keep` in its centre."""
    start = centre(max(0, side - keep))
    stop = min(side, start + keep)
    if side > _WHOLE:
        return _part(picture, axis, side, (start, stop), resample)
    size = (side, picture.height) if axis == 0 else (picture.width, side)
    whole = picture.resize(size, resample)
    return whole if stop - start == side else whole.crop(_span(whole, axis, start, stop))


def _part(picture: Image.Image, axis: int, side: int, kept: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """Make pixels `kept` of the resized axis alone, at most 1 level from the whole (PIL's box is float32)."""
    old = picture.size[axis]
    first, last = (edge * old / side for edge in kept)
    margin = math.ceil(2 * max(1.0, old / side)) + 2
    low, high = max(0, math.floor(first) - margin), min(old, math.ceil(last) + margin)
    piece = picture.crop(_span(picture, axis, low, high))
    count = kept[1] - kept[0]
    size = (count, piece.height) if axis == 0 else (piece.width, count)
    return piece.resize(size, resample, box=_span(piece, axis, first - low, last - low))


def _span(picture: Image.Image, axis: int, start: float, stop: float) -> tuple[float, float, float, float]:
    """Return the (left, top, right, bottom) that cuts one axis and keeps the other."""
    return (start, 0, stop, picture.height) if axis == 0 else (0, start, picture.width, stop)
