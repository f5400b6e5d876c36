"""Which file formats are read, told by their first bytes and never by the file's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

from PIL import BmpImagePlugin, GifImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin

from visionft.errors import PhotoError
from visionft.photos import avif, heic, jpeg2000, tiff_deep, webp

Opener = Callable[[BytesIO], ImageFile.ImageFile]

NAMES = "JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF and BMP"
"""What is read, as people are told."""

HEAD = 1024
"""Bytes of a file that tell its format."""

# Image.open would apply PIL's process-wide pixel limit and every plugin there is; these read a header and nothing more.
_READ: tuple[tuple[re.Pattern[bytes], Opener], ...] = (
    (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), webp.FirstFrame),
    (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), tiff_deep.opened),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), BmpImagePlugin.BmpImageFile),
    (re.compile(rb"....ftyp(avi[fs]|.{0,40}avif)", re.DOTALL), avif.FirstFrame),
    (re.compile(rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL), heic.FirstFrame),
    (re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"), jpeg2000.FirstFrame),
)

_ENDINGS: dict[Opener, str] = {
    JpegImagePlugin.JpegImageFile: ".jpg",
    PngImagePlugin.PngImageFile: ".png",
    webp.FirstFrame: ".webp",
    GifImagePlugin.GifImageFile: ".gif",
    tiff_deep.opened: ".tif",
    BmpImagePlugin.BmpImageFile: ".bmp",
    avif.FirstFrame: ".avif",
    heic.FirstFrame: ".heic",
    jpeg2000.FirstFrame: ".jp2",
}

_REFUSED: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s*%PDF"), "a PDF, not a photo"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html|<head)", re.IGNORECASE), "a web page, not a photo"),
    (
        re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml.*<)?(!doctype )?svg", re.IGNORECASE | re.DOTALL),
        "an SVG drawing, not a photo",
    ),
    (re.compile(rb"PK\x03\x04"), "an archive, not a photo"),
)


def encoding_of(data: bytes) -> str:
    """Return the ending that files of this content have: `.jpg`; `.bin` where it begins like none that is read."""
    found = next((reader for pattern, reader in _READ if pattern.match(data[:HEAD])), None)
    return next((ending for reader, ending in _ENDINGS.items() if reader is found), ".bin")


def opener(head: bytes) -> Opener:
    """Return what reads the header of a file that begins with these bytes; PhotoError if it is no photo."""
    if not head:
        raise PhotoError("empty file")
    for pattern, reader in _READ:
        if pattern.match(head):
            return reader
    for pattern, reason in _REFUSED:
        if pattern.match(head[:HEAD]):
            raise PhotoError(reason)
    raise PhotoError(f"not an image ({NAMES} are read)")
