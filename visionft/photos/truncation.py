"""No photo is used in part: what each format has to show that all of it is there, beside what its decoder notices.

| format | what is checked | what nobody can see |
|---|---|---|
| JPEG | warnings of libjpeg-turbo; every component and bit has its scan | other bytes, where the codes still fit |
| PNG | the checksum of every chunk that decides pixels | |
| TIFF, deflate | the checksum of every strip | |
| TIFF, JPEG | as JPEG, strip by strip | as JPEG |
| TIFF, other codings | holes of 256 zeros or more | other bytes |
| TIFF and BMP, not compressed | their length | holes and other bytes: any byte is a level |
| WebP | its length; where zeros are, that the last bytes are needed | other bytes; if lossless, holes near one colour |
| AVIF | its length; holes of 256 zeros or more | other bytes |
| HEIC | its length; runs of zeros that HEVC never writes; the pixels of its tiles | other bytes |
| JPEG 2000 | its length; every tile to its end; holes of 256 zeros, and more than its packets | other bytes |
| GIF | the chain of its blocks, and that the codes fill the picture | other bytes inside a block |
"""

from __future__ import annotations

from PIL import ImageFile

from visionft.photos import avif, gif, heic, jpeg2000, png, tiff, webp
from visionft.photos.zero_runs import refuse_hole

_BMP_PACKED = (1, 2)
"""The run-length codings of a BMP; in the others zeros are black."""


def refuse_parts(data: bytes, picture: ImageFile.ImageFile, max_pixels: int) -> None:
    """Raise a PhotoError if a part of a photo's first frame is missing or provably damaged.

    Args:
        data: The file, of any format but JPEG.
        picture: It, opened and not yet loaded.
        max_pixels: The largest width times height.
    """
    match picture.format:
        case "GIF":
            gif.check(data)
        case "PNG":
            png.check(data)
        case "WEBP":
            webp.check(data)
        case "AVIF":
            avif.check(data)
        case "HEIF":
            heic.check(data, picture, max_pixels)
        case "JPEG2000":
            jpeg2000.check(data)
        case "TIFF":
            tiff.check(data, picture, max_pixels)
        case "BMP" if picture.info.get("compression") in _BMP_PACKED:
            refuse_hole(data, 54, len(data))
