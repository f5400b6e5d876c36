"""Bytes to RGB pixels by one written table, the search for photos, and the quarantine for what cannot be used.

The decode table; each row has a photo and a test in tests/photos:

| what the file holds | what it becomes |
|---|---|
| several frames (GIF, WebP, APNG, AVIF, HEIC, JPX, MPO, TIFF pages) | the first |
| EXIF orientation 1 to 8 (also XMP's, TIFF's, AVIF's, JPEG 2000's) | turned upright |
| alpha, a transparent colour, a palette with alpha | laid over white |
| palette | its colours |
| grey, black and white | the same level in R, G and B |
| 16-bit grey | levels divided by 257, rounded |
| 12-bit grey of a TIFF | 0..4095 is black to white |
| 16-bit colour | the high byte; of a TIFF of planes levels divided by 257, rounded |
| deep colour of a TIFF: floats, 9 to 15 or 32 bits, with alpha or not | as deep grey of that kind |
| deep TIFF that states its range (SMinSampleValue, SMaxSampleValue) | that range is black to white |
| other 32-bit integers | 0..255, else 0..65535 is black to white |
| other 32-bit floats | 0..1, else 0..255, else 0..65535 is black to white; NaN is black |
| CMYK | RGB by its profile, else (255 - C)(255 - K) / 255; a JPEG's CMYK is inverted, as Adobe and browsers have it |
| ICC profile | sRGB, perceptual; ignored if it moves no colour by more than 2 levels, is damaged or for another mode |

A range of 32-bit samples is taken if they keep within it, but for a tenth that resampling overshoots and that is
clipped, and reach a sixteenth of it; samples that fit none are refused, as any guess would be plausible and wrong.

Nothing is used in part: `visionft.photos.truncation` says what each format has to show, and what nobody can see. Work
is bounded before it is done: pixels, scans times pixels, segments, chunks, strips and the size of profiles; memory is
at most `MEMORY` times the pixels, of JPEG 2000 `jpeg2000.MEMORY` times; deep colour of a TIFF takes twice its largest
strip or tile more, which is bounded too.
"""

from visionft.photos.account import Account
from visionft.photos.csv_injection import (
    from_spreadsheet,
    from_spreadsheet_table,
    spreadsheet_safe,
    spreadsheet_safe_table,
)
from visionft.photos.decoder import MAX_PIXELS, MEMORY, TABLE, contents, decode, digest, read, remark, size_of
from visionft.photos.discovery import expand, find, require_photos, walk
from visionft.photos.formats import encoding_of
from visionft.photos.in_memory import picture_of_memory
from visionft.photos.jpeg import Reduction
from visionft.photos.photo_inputs import Asked, Entry, Exact, Fetched, Item, entries, is_one, items, of_file, shown
from visionft.photos.quarantine import IGNORED_FOLDERS, Quarantined, junk
from visionft.photos.walk import UNLISTED, Folder, Walk, above, doubles, join, without
from visionft.wording.safe_text import printable, steers

__all__ = [
    "IGNORED_FOLDERS",
    "MAX_PIXELS",
    "MEMORY",
    "TABLE",
    "UNLISTED",
    "Account",
    "Asked",
    "Entry",
    "Exact",
    "Fetched",
    "Folder",
    "Item",
    "Quarantined",
    "Reduction",
    "Walk",
    "above",
    "contents",
    "decode",
    "digest",
    "doubles",
    "encoding_of",
    "entries",
    "expand",
    "find",
    "from_spreadsheet",
    "from_spreadsheet_table",
    "is_one",
    "items",
    "join",
    "junk",
    "of_file",
    "picture_of_memory",
    "printable",
    "read",
    "remark",
    "require_photos",
    "shown",
    "size_of",
    "spreadsheet_safe",
    "spreadsheet_safe_table",
    "steers",
    "walk",
    "without",
]
