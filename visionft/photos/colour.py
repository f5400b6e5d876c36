"""Any mode of PIL to RGB of 8 bits: palette, alpha over white, CMYK and embedded profiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from visionft.photos.bit_depth import dim_remark, eight_bit, is_dim, is_guessed, levels

Pixels = NDArray[np.uint8]

# The common profiles of sRGB itself differ from lcms's by rounding alone: converting would add noise and take time.
_SAME = 2
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_STRIP = 1 << 18
_BITS = 258  # TIFF's BitsPerSample
_DIM = 16  # a sixteenth of 256
_GRID = np.linspace(0, 255, 9).round().astype(np.uint8)


def rgb(picture: Image.Image | Pixels, profile: bytes | None) -> Pixels:
    """Return a picture as RGB over white, in sRGB as far as its profile says how.

    It is worked on in strips, so that it costs hardly more memory than itself and what is returned.

    Args:
        picture: Of any mode of PIL's, or (H, W, C) uint8: C of 1 is grey, 3 RGB, 4 CMYK.
        profile: An ICC file.

    Returns:
        (H, W, 3) uint8.

    Raises:
        PhotoError: Deep samples in no known range.
    """
    parts = _Strips(picture)
    scale = levels(parts.mode, getattr(picture, "tag_v2", {}), (strip for _, strip in parts))
    pixels = np.empty((*parts.size, 3), np.uint8)
    for rows, strip in parts:
        pixels[rows] = np.asarray(_flat(eight_bit(strip, scale), profile))
    return pixels


def range_remark(picture: Image.Image) -> str | None:
    """Say which samples of deep grey or colour were taken for black and white; None: no doubt, as the file says it.

    Raises:
        PhotoError: Deep samples in no known range.
    """
    tags = getattr(picture, "tag_v2", {})
    if picture.mode.startswith("RGB") and _BITS in tags:
        return _of_colour(picture) if max(tags[_BITS]) > 8 else None
    if is_dim(picture.mode, tags, (strip for _, strip in _Strips(picture))):
        return dim_remark("grey")
    if not is_guessed(picture.mode, tags):
        return None
    scale = levels(picture.mode, tags, (strip for _, strip in _Strips(picture)))
    return None if scale is None else f"deep grey that states no range: {scale[0]:g} to {scale[1]:,g} is black to white"


def _of_colour(picture: Image.Image) -> str:
    """Say of 16-bit colour, which PIL reads by its high byte, how much of it is used."""
    tops = [strip.getextrema()[:3] for _, strip in _Strips(picture)]
    top = max(int(high) for ends in tops for _, high in ends)  # type: ignore[misc]
    return dim_remark("colour") if 0 < top < _DIM else "16-bit colour: 0 to 65,535 is black to white"


class _Strips:
    """A picture in strips of some rows, about a quarter of a million pixels each: pairs of rows and strip."""

    def __init__(self, picture: Image.Image | Pixels) -> None:
        self.picture = picture
        if isinstance(picture, Image.Image):
            self.mode, self.size = picture.mode, (picture.height, picture.width)
        else:
            self.mode, self.size = _MODES[picture.shape[2]], picture.shape[:2]

    def __iter__(self) -> Iterator[tuple[slice, Image.Image]]:
        height, width = self.size
        step = max(1, _STRIP // max(1, width))
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            if isinstance(self.picture, Image.Image):
                yield rows, self.picture.crop((0, rows.start, width, rows.stop))
            else:
                part = np.ascontiguousarray(self.picture[rows])
                yield rows, Image.frombuffer(self.mode, (width, len(part)), part, "raw", self.mode, 0, 1)


def _flat(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in mode RGB."""
    if not picture.has_transparency_data:
        return _srgb(_opaque(picture), profile)
    full = picture.convert("RGBA")
    colours = picture.convert("L") if picture.mode == "LA" else full.convert("RGB")
    canvas = Image.new("RGB", full.size, (255, 255, 255))
    canvas.paste(_srgb(colours, profile), mask=full.getchannel("A"))
    return canvas


@lru_cache(maxsize=16)
def conversion(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the change from an embedded profile to sRGB; None if it is absent, damaged or changes nothing."""
    if not profile or mode not in _SPACES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space != _SPACES[mode]:
            return None
        change = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        return change if _moves(change, mode) else None
    except Exception:  # noqa: BLE001  # lcms fails in many ways; colours then stay as they are
        return None


def _moves(change: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Say whether a change moves any colour of a 9 x 9 x 9 grid by more than rounding."""
    if mode == "CMYK":
        return True
    grid = np.stack(np.meshgrid(_GRID, _GRID, _GRID), -1).reshape(1, -1, 3)
    probe = Image.fromarray(grid if mode == "RGB" else np.arange(256, dtype=np.uint8)[None])
    before, after = np.array(probe.convert("RGB"), np.int16), np.array(change.apply(probe), np.int16)
    return bool(np.abs(after - before).max() > _SAME)


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    change = conversion(profile, picture.mode)
    return change.apply(picture) if change else picture.convert("RGB")


def _opaque(picture: Image.Image) -> Image.Image:
    """Return the picture in the mode that a profile may be for: L, RGB or CMYK."""
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in _SPACES else picture.convert("RGB")
