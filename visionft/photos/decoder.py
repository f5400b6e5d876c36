"""Bytes to upright RGB pixels, or a PhotoError that says why not: never another error, never a part of a photo."""

from __future__ import annotations

import hashlib
import re
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos import jpeg
from visionft.photos.colour import conversion, range_remark, rgb
from visionft.photos.formats import HEAD, Opener, opener
from visionft.photos.jpeg import Reduction
from visionft.photos.jpeg_scans import refuse_scans
from visionft.photos.jpeg_segments import Header, header
from visionft.photos.tiff_deep import DeepPicture
from visionft.photos.truncation import refuse_parts

Pixels = NDArray[np.uint8]

MAX_PIXELS = 200_000_000
"""Width times height above which a photo is refused: the largest sensor in a phone has 199,756,800."""

MEMORY = 7
"""Most memory that decoding takes, in sizes of the pixels returned: a lossless WebP; JPEGs take 3, others up to 5.

JPEG 2000 alone has a bound of its own, `jpeg2000.MEMORY`.
"""

TABLE = 4
"""Counted up whenever the same bytes become other pixels, for whoever keeps pixels."""

MAX_PROFILE = 4 << 20
"""Bytes of a colour profile: those of presses have two to three millions, and the last 16 are remembered."""

_JPEG = b"\xff\xd8"
_DEEP = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89PNG")  # what may hold deep grey
_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
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

# PIL warns of odd metadata around sound pixels. The filter, of its UserWarnings alone, stays: catch_warnings is unsafe
# in threads, of which one would take it away while another decodes.
_HUSHED = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, reduction: Reduction | None = None) -> Pixels:
    """Decode one photo by the table of `visionft.photos`.

    Args:
        data: a whole file.
        max_pixels: the largest width times height; it is compared with the header before anything is decoded.
        reduction: asked before pixels are computed, for the photos that may come smaller: JPEGs of three components
            and sRGB, whose blocks of 8 by 8 are then decoded to fewer pixels each.

    Returns:
        (H, W, 3) uint8 RGB, contiguous and writable; with a reduction by d (ceil(H / d), ceil(W / d), 3), or whole.

    Raises:
        PhotoError: the bytes are no whole photo; `reason` says why in a few words.
    """
    read_header = opener(data[:HEAD])
    try:
        if data.startswith(_JPEG):
            return _jpeg(data, max_pixels, reduction)
        return _other(read_header, data, max_pixels)
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


def size_of(data: bytes) -> tuple[int, int]:
    """Return (height, width) of a photo, upright, from its header alone; of a HEIC as it is coded, before it is turned.

    Raises:
        PhotoError: the bytes do not begin like a photo.
    """
    read_header = opener(data[:HEAD])
    _hush()
    try:
        with read_header(BytesIO(data)) as picture:
            width, height = picture.size
            # A TIFF's size is that of the turned picture already.
            lies = _orientation(picture) in _SIDEWAYS and not isinstance(picture, TiffImagePlugin.TiffImageFile)
            return (width, height) if lies else (height, width)
    except Exception as fault:  # as in `decode`
        raise PhotoError(_reason(fault)) from fault


def remark(data: bytes) -> str | None:
    """Say what is guessed or odd of the depth of a photo that `decode` takes, in a few words; None: nothing."""
    if not data.startswith(_DEEP):
        return None
    with opener(data[:HEAD])(BytesIO(data)) as picture:
        return picture.remark() if isinstance(picture, DeepPicture) else range_remark(picture)


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


def _jpeg(data: bytes, max_pixels: int, reduction: Reduction | None) -> Pixels:
    head = header(data)
    _refuse_bomb(head.size, max_pixels)
    refuse_scans(data, head)
    if head.plain and len(head.components) == 3:
        return jpeg.decoded(data, head, "RGB", reduction(*head.size) if reduction else 1)
    _hush()
    with JpegImagePlugin.JpegImageFile(BytesIO(data)) as picture:
        profile = _profile(picture)
        if picture.mode == "RGB" and not conversion(profile, "RGB"):
            pixels = jpeg.decoded(data, head, "RGB", _divisor(picture, reduction) if reduction else 1)
        else:
            pixels = rgb(_levels(data, head, picture.mode), profile)
        return _upright(pixels, picture)


def _levels(data: bytes, head: Header, mode: str) -> Pixels:
    """Return the pixels (H, W, C) in the components that a profile may be for."""
    pixels = jpeg.decoded(data, head, _SPACES[mode])
    return np.subtract(255, pixels, out=pixels) if mode == "CMYK" else pixels


def _other(read_header: Opener, data: bytes, max_pixels: int) -> Pixels:
    _hush()
    with read_header(BytesIO(data)) as picture:
        _refuse_bomb(picture.size, max_pixels)
        refuse_parts(data, picture, max_pixels)
        with _strict_pil():
            picture.load()
        return _upright(rgb(picture, _profile(picture)), picture)


class _Strictness:
    """Has PIL refuse what ends early, also in programs that have told it not to: a switch of the whole process.

    The last thread that decodes gives the program's own setting back: sooner, the others would read on by it.
    """

    def __init__(self) -> None:
        self._lock, self._threads, self._given = Lock(), 0, False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._threads:
                self._given, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
            self._threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    ImageFile.LOAD_TRUNCATED_IMAGES = self._given


_strict_pil = _Strictness()


def _profile(picture: ImageFile.ImageFile) -> bytes | None:
    profile = picture.info.get("icc_profile")
    if profile and len(profile) > MAX_PROFILE:
        raise PhotoError(f"a colour profile above {MAX_PROFILE:,} bytes")
    return profile


def _divisor(picture: ImageFile.ImageFile, reduction: Reduction) -> int:
    width, height = picture.size
    return reduction(width, height) if _orientation(picture) in _SIDEWAYS else reduction(height, width)


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
        return f"too many pixels ({2 * (Image.MAX_IMAGE_PIXELS or 0):,} are allowed by PIL's MAX_IMAGE_PIXELS)"
    words = str(fault).lower()
    if "decompressed data too large" in words or "text chunks" in words:
        return "metadata too large to unpack"
    if isinstance(fault, EOFError) or "truncated" in words:
        return "truncated"
    return "damaged"
