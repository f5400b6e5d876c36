"""Photos that are wrong by themselves: blank, dark, washed out, blurred, tiny, of extreme shape, stored oddly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.auditing.findings import Finding
from visionft.auditing.photo_features import FORMATS, MODES, Features
from visionft.data.suggestions import Suggestion

BLANK = 4.0  # standard deviation of grey levels
DARK = 45.0  # the level that 98 % of the pixels lie below
BRIGHT = 215.0  # the level that 98 % of the pixels lie above
BLUR_DEVIATIONS = 3.5  # robust standard deviations of log sharpness below the median (Iglewicz and Hoaglin 1993)
BLUR_MOST = 120.0  # variance of the Laplacian above which nobody calls a photo blurred
TINY = 48  # pixels of the shorter side
SHAPE = 4.0  # times that one side is longer than the other
RARE = 0.05  # share of a set below which a colour mode stands apart
_MAD = 1.4826  # the median absolute deviation of a normal distribution, inverted
_ENDINGS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".webp": "WEBP", ".gif": "GIF",
    ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".avif": "AVIF",
    ".heic": "HEIF", ".heif": "HEIF", ".hif": "HEIF",
    ".jp2": "JPEG2000", ".j2k": "JPEG2000", ".jpf": "JPEG2000", ".jpx": "JPEG2000", ".j2c": "JPEG2000",
}  # fmt: skip
_SAME_FORMAT = {"MPO": "JPEG"}  # several JPEGs in a file, as cameras write them
_CMYK, _ALPHA = ("CMYK",), ("RGBA", "LA")


def photo_faults(features: Features, paths: Sequence[str]) -> list[Finding]:
    """Return what is wrong with single photos; a blank one is not called dark or blurred too."""
    contrast, high, low = (features.column(name) for name in ("contrast", "high", "low"))
    blank = contrast < BLANK
    dark, bright = (high < DARK) & ~blank, (low > BRIGHT) & ~blank
    sides = np.stack([features.column("width"), features.column("height")]).astype(np.float64)
    tiny = sides.min(axis=0) < TINY
    blurred = blurs(features.column("sharpness")) & ~blank & ~dark & ~bright & ~tiny
    ratio = sides.max(axis=0) / np.maximum(1, sides.min(axis=0))
    return [
        *_each("blank", blank, paths, contrast, "its grey levels spread by {:.1f} of 255", "drop", 0.95),
        *_each("dark", dark, paths, high, "98 % of it is darker than level {:.0f} of 255", "review", 0.7),
        *_each("bright", bright, paths, low, "98 % of it is lighter than level {:.0f} of 255", "review", 0.5),
        *_each("blurred", blurred, paths, features.column("sharpness"), "sharpness {:.0f}", "review", 0.6),
        *_each("tiny", tiny, paths, sides.min(axis=0), "its shorter side has {:.0f} pixels", "drop", 0.8),
        *_each("shape", ratio > SHAPE, paths, ratio, "one side is {:.1f} times the other", "review", 0.6),
        *_endings(features, paths),
        *_modes(features, paths),
    ]


def blurs(sharpness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which photos (n,) are far less sharp than the others of their set."""
    logs = np.log(np.maximum(sharpness.astype(np.float64), 1e-3))
    middle = np.median(logs) if len(logs) else 0.0
    spread = _MAD * np.median(np.abs(logs - middle)) if len(logs) else 0.0
    return np.asarray((logs < middle - BLUR_DEVIATIONS * max(spread, 0.1)) & (sharpness < BLUR_MOST))


def _each(
    kind: str,
    found: NDArray[np.bool_],
    paths: Sequence[str],
    figures: NDArray[Any],
    words: str,
    action: str,
    sure: float,
) -> Iterator[Finding]:
    for at in np.flatnonzero(found).tolist():
        said = words.format(float(figures[at]))
        advice = Suggestion(paths[at], action, reason=f"{kind}: {said}", confidence=sure)
        yield Finding(kind, said, (paths[at],), sure, float(figures[at]), (advice,))


def _endings(features: Features, paths: Sequence[str]) -> Iterator[Finding]:
    for path, code in zip(paths, features.column("kind"), strict=True):
        kind = FORMATS[int(code)]
        meant = _ENDINGS.get(PurePosixPath(path).suffix.lower())
        if kind and meant and _SAME_FORMAT.get(kind, kind) != meant:
            yield Finding("extension", f"it is called {PurePosixPath(path).suffix} and is a {kind}", (path,))


def _modes(features: Features, paths: Sequence[str]) -> Iterator[Finding]:
    names = np.array(MODES)[features.column("mode")]
    grey = features.column("colourless") & (features.column("contrast") >= BLANK)
    kinds: tuple[tuple[str, NDArray[np.bool_]], ...] = (
        ("grey", grey),
        ("CMYK", np.isin(names, _CMYK)),
        ("with alpha, which is laid over white", np.isin(names, _ALPHA)),
    )
    for words, which in kinds:
        if 0 < which.sum() <= max(1.0, RARE * len(paths)):
            yield from (Finding("mode", words, (paths[at],), 0.5) for at in np.flatnonzero(which).tolist())
