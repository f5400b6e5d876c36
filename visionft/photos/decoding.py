"""Bytes to upright RGB pixels, or a PhotoError that says why not: never another error, never a part of a photo."""

from __future__ import annotations

import hashlib
import re
import stat
import warnings
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from visionft.errors import PhotoError
from visionft.photos import jpeg
from visionft.photos.colour import conversion, rgb
from visionft.photos.formats import HEAD, Opener, opener
from visionft.photos.jpeg import Reduction

Pixels = NDArray[np.uint8]

MAX_PIXELS = 200_000_000
"""Width times height above which a photo is refused: the largest sensor in a phone has 199,756,800."""

_ORIENTATION = 0x0112
_TURNS: dict[object, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
_SIDEWAYS = (5, 6, 7, 8)

# PIL warns of odd metadata around sound pixels; warnings.catch_warnings is not safe in the threads that decode photos.
_HUSHED = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, reduction: Reduction | None = None) -> Pixels:
    """Decode one photo by the table of `visionft.photos`.

    Args:
        data: a whole file.
        max_pixels: the largest width times height; it is compared with the header before anything is decoded.
        reduction: asked before pixels are computed, for the photos that may come smaller: plain JPEGs of three
            components, whose blocks of 8 by 8 are then decoded to fewer pixels each.

    Returns:
        (H, W, 3) uint8 RGB, contiguous and writable; with a reduction by d (ceil(H / d), ceil(W / d), 3), or whole.

    Raises:
        PhotoError: the bytes are no whole photo; `reason` says why in a few words.
    """
    read_header = opener(data[:HEAD])
    wanted = cache(reduction) if reduction else None  # whoever asks draws; a photo is asked about once
    try:
        quick = _plain(data, max_pixels, wanted)
        return _by_pil(read_header, data, max_pixels, wanted) if quick is None else quick
    except PhotoError:
        raise
    except Exception as fault:  # PIL's readers fail on damaged files in many ways
        raise PhotoError(_reason(fault)) from fault


def read(path: Path, *, max_pixels: int = MAX_PIXELS, reduction: Reduction | None = None) -> Pixels:
    """Read and decode one photo; see `decode`. PhotoError also where the file cannot be read."""
    return decode(contents(path), max_pixels=max_pixels, reduction=reduction)


def contents(path: Path) -> bytes:
    """Return the bytes of a photo; PhotoError if the file cannot be read or does not begin like a photo."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):  # opening a pipe would wait for ever
            raise PhotoError("a folder, not a photo" if stat.S_ISDIR(kind) else "not a regular file")
        with path.open("rb", buffering=0) as file:
            opener(file.read(HEAD))  # so that a film of many gigabytes is not read
            file.seek(0)
            return file.read()  # unbuffered and from the start: in one piece, which nobody copies
    except FileNotFoundError as fault:
        raise PhotoError("no such file") from fault
    except PermissionError as fault:
        raise PhotoError("no permission to read it") from fault
    except (OSError, ValueError, MemoryError) as fault:
        raise PhotoError(f"cannot be read ({fault.__class__.__name__})") from fault


def digest(data: bytes) -> str:
    """Return the SHA-256 of a photo's bytes, in hexadecimal: equal digests are exact duplicates."""
    return hashlib.sha256(data).hexdigest()


def _hush() -> None:
    """Silence PIL's warnings where they are not, as a caller's own filters may have come since."""
    if _HUSHED not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def _refuse_bomb(size: tuple[int, int], max_pixels: int) -> None:
    if (count := size[0] * size[1]) > max_pixels:
        raise PhotoError(f"too many pixels ({count:,}; {max_pixels:,} are allowed)")


def _plain(data: bytes, max_pixels: int, reduction: Reduction | None) -> Pixels | None:
    """Decode a JPEG that needs nothing of PIL; None where PIL must do it, or say why it cannot."""
    size = jpeg.plain_size(data)
    if size is None or size[0] * size[1] > max_pixels:
        return None
    return jpeg.decoded(data, size, reduction(*size) if reduction else 1)


def _by_pil(read_header: Opener, data: bytes, max_pixels: int, reduction: Reduction | None) -> Pixels:
    _hush()
    with read_header(BytesIO(data)) as picture:
        _refuse_bomb(picture.size, max_pixels)
        pixels = _jpeg(picture, data, reduction)
        if pixels is None:
            pixels = np.array(rgb(_loaded(picture), picture.info.get("icc_profile")))
        return _upright(pixels, picture)


def _jpeg(picture: ImageFile.ImageFile, data: bytes, reduction: Reduction | None) -> Pixels | None:
    """Decode a JPEG whose metadata PIL has read; None where PIL must do it."""
    if picture.format != "JPEG" or picture.mode != "RGB":
        return None
    if conversion(picture.info.get("icc_profile"), "RGB"):
        return None
    return jpeg.decoded(data, picture.size[::-1], _divisor(picture, reduction) if reduction else 1)


def _divisor(picture: ImageFile.ImageFile, reduction: Reduction) -> int:
    width, height = picture.size
    return reduction(width, height) if _orientation(picture) in _SIDEWAYS else reduction(height, width)


def _loaded(picture: ImageFile.ImageFile) -> ImageFile.ImageFile:
    picture.load()
    return picture


def _upright(pixels: Pixels, picture: Image.Image) -> Pixels:
    """Turn the pixels as EXIF or XMP say; a TIFF was turned by PIL, which then no longer says it."""
    turn = _TURNS.get(_orientation(picture))
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def _orientation(picture: Image.Image) -> object:
    try:
        return picture.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001  # damaged metadata around sound pixels
        return None


def _reason(fault: Exception) -> str:
    if isinstance(fault, MemoryError):
        return "too large for the memory left"
    if isinstance(fault, Image.DecompressionBombError):
        return "too many pixels (in a frame that outgrows its header)"
    words = str(fault).lower()
    if isinstance(fault, EOFError) or "truncated" in words:
        return "truncated"
    return "damaged"
