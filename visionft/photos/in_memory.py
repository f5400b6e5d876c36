"""Photos that a caller holds in memory, to upright RGB pixels of their own: nothing later changes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from visionft.errors import PhotoError
from visionft.photos.colour import rgb
from visionft.photos.decoder import MAX_PIXELS
from visionft.photos.formats import HEAD, opener

Pixels = NDArray[np.uint8]

_CHANNELS = (1, 3, 4)


def pixels_of_array(array: NDArray[Any], *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Return (H, W, 3) uint8 of levels (H, W, 3), (H, W, 4) with alpha, laid over white, or (H, W) and (H, W, 1), grey.

    Raises:
        PhotoError: levels that are not uint8 (what 1.0 stands for in floats nobody says), or another shape.
    """
    if array.dtype != np.uint8:
        raise PhotoError(f"an array of {array.dtype}: give uint8 levels from 0 to 255")
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in _CHANNELS):
        raise PhotoError(f"an array of shape {array.shape}: give (H, W, 3), (H, W, 4) or (H, W)")
    _refuse_large(array.shape[0] * array.shape[1], max_pixels)
    if array.ndim == 3 and array.shape[2] == 3:
        return np.array(array, np.uint8, order="C", subok=False)
    flat = np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    return np.array(rgb(Image.fromarray(flat), None))


def pixels_of_picture(picture: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Return (H, W, 3) uint8 of a picture of PIL by the decode table: the frame it stands at, turned as its EXIF says.

    Raises:
        PhotoError: its file is damaged, or it has too many pixels.
    """
    _refuse_large(picture.width * picture.height, max_pixels)
    try:
        picture.load()
        return np.array(rgb(_upright(picture), picture.info.get("icc_profile")))
    except MemoryError as fault:
        raise PhotoError("too large for the memory left") from fault
    except Exception as fault:  # PIL's readers fail on damaged files in many ways
        truncated = isinstance(fault, EOFError) or "truncated" in str(fault).lower()
        reason = "truncated" if truncated else f"cannot be read ({fault.__class__.__name__})"
        raise PhotoError(reason) from fault


def file_of_picture(picture: Image.Image) -> bytes | None:
    """Return the bytes behind a picture that PIL has opened and not read, for the one judge of damage: `decode`.

    None where it is read already, stands at another frame than the first, or is of a format that PIL alone reads.
    """
    file: Any = getattr(picture, "fp", None)
    if file is None or not getattr(picture, "tile", None) or picture.tell():
        return None
    try:
        place = file.tell()
        file.seek(0)
        data: bytes = file.read()
        file.seek(place)
        opener(data[:HEAD])
    except (PhotoError, OSError, ValueError, AttributeError):
        return None
    return data


def bytes_of_file(file: Any) -> bytes:
    """Return all bytes of an open file, from its start where it can go back to it.

    Raises:
        PhotoError: it is open as text, closed, or does not begin like a photo; no more of it is then read.
    """
    try:
        if hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        head = file.read(HEAD)
        if not isinstance(head, bytes):
            raise PhotoError(f"an open file that gives {type(head).__name__}, not bytes: open it with mode 'rb'")
        opener(head)
        rest: bytes = file.read()
        return head + rest
    except (OSError, ValueError, MemoryError, TypeError) as fault:
        raise PhotoError(f"cannot be read ({fault.__class__.__name__})") from fault


def picture_of_memory(photo: Any) -> bytes | Pixels:
    """Return what a photo in memory is kept as: its file's bytes, unread, or (H, W, 3) uint8 RGB, upright.

    Args:
        photo: the bytes of a file; a picture of PIL; levels as `pixels_of_array` takes them; or a tensor of torch of
            uint8 (C, H, W), as its readers give it.

    Raises:
        PhotoError: it is none of these, or a picture that cannot be read.
    """
    match photo:
        case bytes() | bytearray() | memoryview():
            return bytes(photo)
        case Image.Image():
            data = file_of_picture(photo)
            return pixels_of_picture(photo) if data is None else data
        case np.ndarray():
            return pixels_of_array(photo)
    if type(photo).__module__.partition(".")[0] == "torch" and hasattr(photo, "permute"):
        if str(photo.dtype) != "torch.uint8" or photo.ndim != 3:
            raise PhotoError(
                f"a tensor of {photo.dtype} and shape {tuple(photo.shape)}: give uint8 (C, H, W), without a transform "
                "that makes floats of it"
            )
        return pixels_of_array(photo.permute(1, 2, 0).cpu().numpy())
    raise PhotoError(
        f"a value of type {type(photo).__name__}: give a path, a file's bytes, a picture of PIL or an array of uint8"
    )


def _refuse_large(count: int, max_pixels: int) -> None:
    if count > max_pixels:
        raise PhotoError(f"too many pixels ({count:,}; {max_pixels:,} are allowed)")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001  # damaged metadata around sound pixels
        return picture
