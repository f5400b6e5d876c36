"""What the scans of a JPEG must bring: every bit once, in no more passes than encoders take, and no zeros for data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.photos.jpeg_segments import SCAN, TABLES, Header, coded_end, segments
from visionft.photos.zero_runs import REASON, has_hole

MAX_SCANS = 100
"""Scans of one JPEG; encoders write 10, and 3,000 of them hold a processor for minutes."""
MAX_SCANNED = 4_000_000_000
"""Scans times pixels: 20 of 200 megapixels, which take about 5 seconds."""


def refuse_scans(data: bytes, head: Header) -> None:
    """Raise a PhotoError for more scans than a photo has, and for fewer than this one needs.

    A file that was cut between two scans and closed with an end marker has a first, coarse part of each coefficient.
    """
    if not head.progressive and data[head.scan + 4 : head.scan + 5] == bytes([len(head.components)]):
        return  # all components in one scan; libjpeg refuses a second one
    most = min(MAX_SCANS, MAX_SCANNED // max(1, head.size[0] * head.size[1]))
    missing = np.full((len(head.components), 64), 255, np.uint8)  # lowest bits that are still to come; 255: all
    scans = (segment for segment in segments(data, head.scan) if segment.kind == SCAN)
    for number, scan in enumerate(scans, 1):
        if number > most:
            raise PhotoError(f"more than {most} scans")
        _mark(missing, head, data[scan.body : scan.end])
    if missing.any():
        raise PhotoError("truncated")


def refuse_holes(data: bytes) -> None:
    """Raise a PhotoError for zeros that mean coefficients: libjpeg falls into step behind one hole in twenty."""
    tables: dict[int, bytes] = {}
    for segment in segments(data, 2):
        body = data[segment.body : segment.end]
        if segment.kind == TABLES:
            tables |= _symbols(body)
        if (
            segment.kind == SCAN
            and has_hole(data, segment.end, coded_end(data, segment))
            and not _one_colour(body, tables)
        ):
            raise PhotoError(REASON)


def _mark(missing: NDArray[np.uint8], head: Header, body: bytes) -> None:
    """Write down which bits of which coefficients a scan brings."""
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        raise PhotoError("damaged")
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    if not head.progressive:
        first, last, bits = 0, 63, 0
    for name in body[1 : 1 + 2 * count : 2]:
        row = head.components.find(name)
        if row < 0 or last > 63:
            raise PhotoError("damaged")
        missing[row, first : last + 1] = bits & 15


def _symbols(body: bytes) -> dict[int, bytes]:
    """Return the symbols of Huffman tables by 0 to 3 for differences, by 16 to 19 for other coefficients."""
    symbols, at = dict[int, bytes](), 0
    while at + 17 < len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        symbols[body[at]] = body[at + 17 : end]
        at = end
    return symbols


def _one_colour(body: bytes, tables: dict[int, bytes]) -> bool:
    """Say whether hundreds of zero bytes in a scan can be a single colour.

    The first symbol of a table has the code of zeros alone, and must stand for no coefficient. A coder that can say
    "so many blocks end here" (0x10 to 0xE0, in progressive scans) does not say so of each by itself.
    """
    count = body[0]
    chosen, (first, last, bits) = body[2 : 2 + 2 * count : 2], body[1 + 2 * count : 4 + 2 * count]
    differences = {table >> 4 for table in chosen} if first == 0 and not bits >> 4 else set[int]()
    others = {16 | table & 15 for table in chosen} if last else set[int]()
    used = [tables.get(table, b"") for table in differences | others]
    if first and any(symbol & 15 == 0 and 0x10 <= symbol <= 0xE0 for symbols in used for symbol in symbols):
        return False
    return not any(symbols[0] & 15 for symbols in used if symbols)
