"""JPEG 2000 (.jp2, .j2k), which PIL decodes by OpenJPEG: its boxes, channels, turn and profile."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Jpeg2KImagePlugin

from visionft.errors import PhotoError
from visionft.photos.boxes import boxes_of
from visionft.photos.codestream import START, Codestream

FOREIGN = "a JPEG 2000 of other channels than 1 to 4, of 8 to 16 bits and equal size: save it as JPEG or PNG"
MEMORY = 10
"""Most memory that decoding takes, in sizes of the pixels returned: 6.5 of RGB, 9.5 of 16 bits with alpha."""
_EXIF, _XMP = b"JpgTiffExif->JP2", bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_ICC = (2, 3)  # restricted, and any
_DEPTHS, _CHANNELS = range(8, 17), range(1, 5)


class FirstFrame(Jpeg2KImagePlugin.Jpeg2KImageFile):
    """The picture of a JPEG 2000, opened once its header is found to be sound and within bounds.

    Raises:
        PhotoError: the header is cut, damaged, of other channels than are read, or asks for too much.
    """

    def _open(self) -> None:
        data = self.fp.read() if self.fp else b""
        stream = codestream(data)
        channels = stream.channels
        if len(channels) not in _CHANNELS or any(
            (bits & 0x7F) + 1 not in _DEPTHS or (across, down) != (1, 1) for bits, across, down in channels
        ):
            raise PhotoError(FOREIGN)
        stream.refuse_laborious()
        if self.fp:
            self.fp.seek(0)
        super()._open()
        if self.size != stream.size or _bands(self.mode) != len(channels):
            raise PhotoError("damaged")
        self.info.update(_told(data))
        if self.mode == "RGBA" and self.info.get("icc_profile", b"")[16:20] == b"CMYK":  # PIL takes black for alpha
            raise PhotoError(FOREIGN)


def codestream(data: bytes) -> Codestream:
    """Return the first codestream of a file, bare or in boxes; PhotoError where there is none."""
    if data.startswith(START):
        return Codestream(data, 0, len(data))
    for kind, start, end in boxes_of(data, 0, len(data)):
        if kind == b"jp2c":
            if end > len(data):
                raise PhotoError("truncated")
            return Codestream(data, start, end)
    raise PhotoError("truncated")


def check(data: bytes) -> None:
    """Raise a PhotoError if a tile is missing, ends early or has a hole of zeros, or asks for more than its pixels."""
    codestream(data).refuse_parts()


def _bands(mode: str) -> int:
    return {"RGB": 3, "LA": 2, "PA": 2, "RGBA": 4, "CMYK": 4}.get(mode, 1)


def _told(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what PIL does not read: the colour profile, EXIF and XMP."""
    if data.startswith(START):
        return
    for kind, start, end in boxes_of(data, 0, len(data)):
        if kind == b"jp2h":
            for inner, first, last in boxes_of(data, start, min(end, len(data))):
                if inner == b"colr" and data[first : first + 1] and data[first] in _ICC:
                    yield "icc_profile", data[first + 3 : last]
        elif kind == b"uuid":
            name, body = data[start : start + 16], data[start + 16 : end]
            if name == _EXIF:
                yield "exif", b"Exif\0\0" + body
            elif name == _XMP:
                yield "xmp", body
