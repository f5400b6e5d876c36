"""Bytes to RGB pixels by one written table, the search for photos, and the quarantine for what cannot be used.

The decode table; each row has a photo and a test in tests/photos:

| what the file holds | what it becomes |
|---|---|
| several frames (GIF, WebP, APNG, AVIF, MPO, TIFF pages) | the first |
| EXIF orientation 1 to 8 (also XMP's, TIFF's, AVIF's) | turned upright |
| alpha, a transparent colour, a palette with alpha | laid over white |
| palette | its colours |
| grey, black and white | the same level in R, G and B |
| 16-bit grey | levels divided by 257, rounded |
| 16-bit colour | the high byte |
| 32-bit integers | levels 0..255 if none is above, else 16-bit levels; both clipped |
| 32-bit floats | times 255 if none is above 1, else levels 0..255; both clipped, NaN is 0 |
| CMYK | RGB by its profile, else (255 - C)(255 - K) / 255; a JPEG's CMYK is inverted, as Adobe and browsers have it |
| ICC profile | sRGB, perceptual; ignored if it moves no colour by more than 2 levels, is damaged or for another mode |
"""

from visionft.files.printing import printable
from visionft.photos.account import Account
from visionft.photos.decoding import MAX_PIXELS, contents, decode, digest, read
from visionft.photos.finding import IGNORED_FOLDERS, Quarantined, find, junk, walk
from visionft.photos.jpeg import Reduction

__all__ = [
    "IGNORED_FOLDERS",
    "MAX_PIXELS",
    "Account",
    "Quarantined",
    "Reduction",
    "contents",
    "decode",
    "digest",
    "find",
    "junk",
    "printable",
    "read",
    "walk",
]
