"""Photos as small pictures inside the page: their pixels alone, none of what a camera wrote beside them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos import contents, decode, digest

SIDE = 128
"""Longer side of a small picture in pixels: what is wrong with a product can be seen, and 700 fit into the budget."""
QUALITY = 62
BUDGET = 2_900_000
"""Characters of all pictures of a page, so that it stays below 5 MB with tables and charts."""
CHANGED, GONE, FULL = "changed since it was measured", "not there any more", "left out, as the page would be too large"
UNKNOWN = "its folder is not known"
MAX_PIXELS = 200_000_000


@dataclass
class Encoded:
    """Small pictures of photos, each made once, for several pages.

    Attributes:
        root: the folder that paths are relative to; None: nobody knows.
        files: path and SHA-256 of photos as they were measured, by their printable paths; what is not among them is
            read by that name, and not compared.
    """

    root: Path | None
    files: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    _made: dict[str, tuple[str | None, str]] = field(default_factory=dict)

    def of(self, path: str) -> tuple[str | None, str]:
        """Return a picture as a data URI, or None and why there is none."""
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: str) -> tuple[str | None, str]:
        if self.root is None:
            return None, UNKNOWN
        name, known = self.files.get(path, (path, None))
        try:
            data = contents(self.root / name)
            if known is not None and digest(data) != known:
                return None, CHANGED
            return data_uri(decode(data, max_pixels=MAX_PIXELS, reduction=_reduction)), ""
        except PhotoError as error:
            there = (self.root / name).is_file()
            return None, error.reason if there else GONE


@dataclass
class Album:
    """The pictures of one page, within its budget; those asked for first get in.

    Attributes:
        encoded: where they come from.
        wanted: whether there are any.
        left: characters that are left.
        heat: draws where the network looks on a photo, by its printable path, as a data URI; none: nobody asked.
    """

    encoded: Encoded
    wanted: bool = True
    left: int = BUDGET
    heat: Callable[[str], str | None] | None = None

    def warm(self, path: str) -> str | None:
        """Return a picture of where the network looks, as a data URI; None where there is no room, photo or wish."""
        uri = self.heat(path) if self.wanted and self.heat is not None and self.left > 0 else None
        if uri is None or len(uri) > self.left:
            return None
        self.left -= len(uri)
        return uri

    def picture(self, path: str) -> tuple[str | None, str]:
        """Return a picture as a data URI, or None and why there is none; nothing is said where none is wanted."""
        if not self.wanted:
            return None, ""
        uri, why = self.encoded.of(path)
        if uri is None:
            return None, why
        if len(uri) > self.left:
            return None, FULL
        self.left -= len(uri)
        return uri, ""


def data_uri(pixels: NDArray[np.uint8], side: int = SIDE) -> str:
    """Return pixels (H, W, 3) uint8 RGB as a WebP of at most `side` pixels, in a data URI; no metadata goes with it."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((side, side), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=2)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _reduction(height: int, width: int) -> int:
    """Decode a JPEG at a size of which the small picture is half at most, so that shrinking it stays smooth."""
    possible = min(8, max(1, max(height, width) // (2 * SIDE)))
    return int(2 ** math.floor(math.log2(possible)))
