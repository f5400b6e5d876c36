"""TIFFs by their strips and tiles: libtiff reads on where a strip has a hole, and drops libjpeg's warnings.

Uncompressed strips have nothing to go by: zeros in them are black, as far as anybody can see.
"""

from __future__ import annotations

import zlib

from PIL import ImageFile, TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos import jpeg
from visionft.photos.jpeg_scans import refuse_scans
from visionft.photos.jpeg_segments import header
from visionft.photos.tiff_deep import DeepPicture
from visionft.photos.tiff_parts import Tags, part_size, parts
from visionft.photos.zero_runs import REASON, has_hole, refuse_hole

_PIECE = 1 << 16
_JPEG_TABLES = 347
_RAW = frozenset({"raw", "tiff_raw_16"})
_DEFLATED = frozenset({"tiff_adobe_deflate", "tiff_deflate"})
_DEEPEST = 32  # bytes a pixel: four samples of 64 bits


def check(data: bytes, picture: ImageFile.ImageFile, max_pixels: int) -> None:
    """Raise a PhotoError unless every strip or tile of the first page is there and whole.

    Args:
        data: The file.
        picture: It, opened.
        max_pixels: Also of one tile, however small the picture is.
    """
    if not isinstance(picture, TiffImagePlugin.TiffImageFile | DeepPicture):
        return
    tags, compression = picture.tag_v2, str(picture.info.get("compression"))
    width, height = part_size(tags)
    if width * height > max_pixels + picture.width * picture.height:
        raise PhotoError(f"too many pixels in one tile ({width * height:,})")
    for start, end in list(parts(tags, (width, height))):
        if start == 0 or start >= min(end, len(data)):
            raise PhotoError("truncated")
        if compression in _RAW and not isinstance(picture, DeepPicture):
            continue  # PIL counts their bytes itself, whatever the file says of them
        if end > len(data):
            raise PhotoError("truncated")
        if compression in _DEFLATED:
            _refuse_deflated(memoryview(data)[start:end], _DEEPEST * (width * height + _PIECE))
        elif compression in _RAW:
            continue
        elif compression == "jpeg":
            _refuse_jpeg(data[start:end], tags, (width, height))
        else:
            refuse_hole(data, start, end)


def _refuse_deflated(part: memoryview, most: int) -> None:
    """Unpack a strip to its checksum, where libtiff stops at its last row; PhotoError if it does not fit."""
    stream, unpacked = zlib.decompressobj(), 0
    for start in range(0, len(part), _PIECE):
        left = bytes(part[start : start + _PIECE])
        while left and not stream.eof:
            try:
                unpacked += len(stream.decompress(left, _PIECE))
            except zlib.error as fault:
                raise PhotoError(REASON if has_hole(bytes(part)) else "damaged") from fault
            left = stream.unconsumed_tail
            if unpacked > most:
                raise PhotoError("damaged")
    if not stream.eof:
        raise PhotoError("truncated")


def _refuse_jpeg(part: bytes, tags: Tags, size: tuple[int, int]) -> None:
    """Decode a strip's JPEG strictly: the tables that all strips share, then the strip, as one file."""
    tables = bytes(tags.get(_JPEG_TABLES, b""))
    whole = tables[:-2] + part[2:] if tables.startswith(b"\xff\xd8") else part
    head = header(whole)
    if head.size[0] * head.size[1] > size[0] * size[1] + _PIECE:
        raise PhotoError("damaged")
    refuse_scans(whole, head)
    jpeg.decoded(whole, head, "CMYK" if len(head.components) == 4 else "GRAY")
