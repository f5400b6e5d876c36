"""Photos by the decode table, as files: what clients must read as visionft does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.photos.test_colour import grey_profile, profile
from tests.photos.test_table import ALPHA, FRAMES, INKS, LEVELS, RGB, encoded, exif


def _with_alpha() -> Image.Image:
    picture = RGB.copy()
    picture.putalpha(ALPHA)
    return picture


DEEP = np.linspace(0, 65535, 24 * 36).astype(np.uint16).reshape(24, 36)
ALPHAS = np.arange(0, 256, 17, dtype=np.uint8).tobytes()
FOR_ALL = {
    "jpeg": encoded(RGB, "JPEG", quality=95),
    **{f"turned {n}": encoded(RGB, "JPEG", quality=95, exif=exif(n)) for n in range(1, 9)},
    "png": encoded(RGB, "PNG"),
    "bmp": encoded(RGB, "BMP"),
    "webp": encoded(RGB, "WEBP", lossless=True),
    "avif": encoded(RGB, "AVIF"),
    "alpha": encoded(_with_alpha(), "PNG"),
    "alpha of webp": encoded(_with_alpha(), "WEBP", lossless=True, exact=True),
    "grey with alpha": encoded(Image.merge("LA", (Image.fromarray(LEVELS), ALPHA)), "PNG"),
    "palette": encoded(RGB.quantize(16), "PNG"),
    "palette with alpha": encoded(RGB.quantize(16), "PNG", transparency=ALPHAS),
    "gif with a transparent colour": encoded(RGB.quantize(16), "GIF", transparency=3),
    "grey": encoded(Image.fromarray(LEVELS), "PNG"),
    "grey jpeg": encoded(Image.fromarray(LEVELS), "JPEG", quality=95),
    "black and white": encoded(Image.fromarray(LEVELS > 99), "PNG"),
    "16 bit": encoded(Image.fromarray(DEEP), "PNG"),
    "cmyk jpeg": encoded(INKS, "JPEG", quality=100, subsampling=0),
    "profile": encoded(RGB, "PNG", icc_profile=profile(swapped=True)),
    "profile of a jpeg": encoded(RGB, "JPEG", quality=95, icc_profile=profile(swapped=True)),
    "linear light": encoded(RGB, "PNG", icc_profile=profile(gamma=1.0)),
    "sRGB's profile": encoded(RGB, "PNG", icc_profile=profile()),
    "profile under alpha": encoded(_with_alpha(), "PNG", icc_profile=profile(swapped=True)),
    "damaged profile": encoded(RGB, "PNG", icc_profile=b"x"),
    "first frame of gif": encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "first frame of webp": encoded(FRAMES[0], "WEBP", lossless=True, save_all=True, append_images=FRAMES[1:]),
    "first frame of png": encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
}
"""Formats that browsers read too."""
FOR_PILLOW = {
    "turned webp": encoded(RGB, "WEBP", lossless=True, exif=exif(6)),  # Chromium leaves it lying
    "tiff": encoded(RGB, "TIFF"),
    "turned tiff": encoded(RGB, "TIFF", exif=exif(6)),
    "alpha of tiff": encoded(_with_alpha(), "TIFF"),
    "16 bit of tiff": encoded(Image.fromarray(DEEP), "TIFF"),
    "32 bit": encoded(Image.fromarray(LEVELS.astype(np.int32)), "TIFF"),
    "32 bit deep": encoded(Image.fromarray(LEVELS.astype(np.int32) * 257), "TIFF"),
    "floats": encoded(Image.fromarray((LEVELS / 255).astype(np.float32)), "TIFF"),
    "floats of levels": encoded(Image.fromarray(LEVELS.astype(np.float32)), "TIFF"),
    "cmyk": encoded(INKS, "TIFF"),
    "mpo": encoded(FRAMES[0], "MPO", save_all=True, append_images=FRAMES[1:]),
    "grey profile": encoded(Image.fromarray(LEVELS), "PNG", icc_profile=grey_profile(1.0)),
    "profile of a palette": encoded(RGB.quantize(16), "PNG", icc_profile=profile(swapped=True)),
    "foreign profile": encoded(RGB, "PNG", icc_profile=grey_profile(1.0)),
    "progressive": encoded(RGB, "JPEG", progressive=True),
}
