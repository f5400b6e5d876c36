"""Any mode of PIL to 8-bit sRGB: depth, palette, alpha over white, CMYK and embedded profiles."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# The common profiles of sRGB itself differ from lcms's by rounding alone: converting would add noise and take time.
_SAME = 2
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_GRID = np.linspace(0, 255, 9).round().astype(np.uint8)


def rgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in mode RGB, over white, in sRGB as far as `profile` (an ICC file) says how."""
    shallow = _eight_bit(picture)
    if not shallow.has_transparency_data:
        return _srgb(_opaque(shallow), profile)
    full = shallow.convert("RGBA")
    colours = shallow.convert("L") if shallow.mode == "LA" else full.convert("RGB")
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


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Scale deep grey to 8 bits by the decode table; other modes are returned as they are."""
    if picture.mode.startswith("I;16"):
        return _grey(np.asarray(picture).astype(np.float64) / 257)
    if picture.mode == "I":
        levels = np.asarray(picture).astype(np.float64)
        return _grey(levels if levels.max() <= 255 else np.clip(levels, 0, 65535) / 257)
    if picture.mode == "F":
        levels = np.nan_to_num(np.asarray(picture).astype(np.float64), nan=0.0)
        return _grey(levels * 255 if levels.max() <= 1 else levels)
    return picture


def _grey(levels: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
