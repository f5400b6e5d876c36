"""Samples of more than 8 bits to levels of 8, by the range that the file states, else by the one that they fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import PhotoError

Levels = tuple[float, float]
"""The samples that become 0 and 255."""

DEEP = ("I;16", "I", "F")
"""How the modes of PIL begin whose samples are deeper than 8 bits."""

_TOPS: dict[str, tuple[float, ...]] = {"I": (255.0, 65535.0), "F": (1.0, 255.0, 65535.0)}
_SLACK = 0.1  # of the range: what resampling overshoots; it is clipped
_LEAST = 1 / 16  # of the range: 12 bits of 16; whatever fills less of it was written for another range
_UNKNOWN = "samples in no known range (to 1, 255 or 65,535): save it with 8 or 16 bits"
_FOREIGN = "samples outside the range that the file states"
_BITS = 258  # TIFF's BitsPerSample
_STATED = (340, 341)  # TIFF's SMinSampleValue and SMaxSampleValue; 280 and 281 are statistics, by the standard


def levels(mode: str, tags: Mapping[int, Any], strips: Iterable[Image.Image | NDArray[Any]]) -> Levels | None:
    """Return which samples become 0 and 255; None for a mode of 8 bits.

    Args:
        mode: PIL's.
        tags: Of a TIFF, by their numbers.
        strips: The picture in parts; they are looked at only where the samples must tell.

    Raises:
        PhotoError: The samples fit no range that is in use, or not the one that the file states.
    """
    if not mode.startswith(DEEP):
        return None
    given = stated(tags)
    if mode.startswith("I;16"):
        return given or (0.0, _top_of_bits(tags))
    least, most = _range(strips)
    for low, top in [given] if given else [(0.0, top) for top in _TOPS[mode]]:
        slack = _SLACK * (top - low)
        if least >= low - slack and most <= top + slack:
            if given or top == _TOPS[mode][0] or most >= _LEAST * top:
                return low, top
            break
    raise PhotoError(_FOREIGN if given else _UNKNOWN)


def is_guessed(mode: str, tags: Mapping[int, Any]) -> bool:
    """Tell whether the samples themselves have to say which of them are black and white."""
    return mode.startswith(DEEP) and not mode.startswith("I;16") and stated(tags) is None


def is_dim(mode: str, tags: Mapping[int, Any], strips: Iterable[Image.Image | NDArray[Any]]) -> bool:
    """Tell whether 16-bit grey that states no range fills less than a sixteenth of it, as samples of 12 bits do."""
    if not mode.startswith("I;16") or stated(tags) or _top_of_bits(tags) < _TOPS["I"][-1]:
        return False
    return 0 < _range(strips)[1] < _LEAST * _TOPS["I"][-1]


def dim_remark(what: str) -> str:
    """Say what is taken as it is and looks wrong: `grey` or `colour`."""
    return (
        f"16-bit {what} below a sixteenth of its range, which is read as nearly black "
        "(samples of 12 bits need SMaxSampleValue 4095, or 16 bits)"
    )


def eight_bit(picture: Image.Image, scale: Levels | None) -> Image.Image:
    """Scale and clip deep grey to 8 bits; NaN is 0. Other modes are returned as they are."""
    if scale is None:
        return picture
    return Image.fromarray(scaled(np.asarray(picture), scale))


def scaled(samples: NDArray[Any], scale: Levels) -> NDArray[np.uint8]:
    """Return deep samples of any shape as levels of 8 bits; what lies outside the range is clipped, NaN is 0."""
    low, high = scale
    samples = np.nan_to_num(samples.astype(np.float64), nan=low, posinf=high, neginf=low)
    shares = (samples - low) * 255 / (high - low)  # in this order: products of few bits are exact, and so are halves
    return np.clip(np.rint(shares), 0, 255).astype(np.uint8)


def stated(tags: Mapping[int, Any]) -> Levels | None:
    """Return the range that the tags of a TIFF state; None where they state none, or one that is none."""
    values = [tags.get(tag) for tag in _STATED]
    low, high = (float(value[0] if isinstance(value, tuple) else value) if value else 0.0 for value in values)
    return (low, high) if np.isfinite([low, high]).all() and high > low else None


def _top_of_bits(tags: Mapping[int, Any]) -> float:
    """Return the largest sample of 16-bit grey: PIL leaves the 12 bits of a TIFF as they are."""
    bits = tags.get(_BITS, (16,))
    return float((1 << min(16, int(bits[0] if isinstance(bits, tuple) else bits))) - 1)


def _range(strips: Iterable[Image.Image | NDArray[Any]]) -> Levels:
    """Return the smallest and the largest finite sample; 0 and 0 without any."""
    ends: list[NDArray[np.float64]] = []
    for strip in strips:
        samples = np.asarray(strip)
        finite = samples[np.isfinite(samples)]
        if finite.size:
            ends.append(np.array([finite.min(), finite.max()], np.float64))
    return (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 0.0)
