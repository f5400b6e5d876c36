"""Oddities of JPEGs that libjpeg-turbo warns of and no pixel depends on: they are taken out, and it is asked again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from visionft.photos.jpeg_segments import ADOBE, APP0, SCAN, Header, Segment, coded_end, segments

_EXTRANEOUS = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
_END = b"\xff\xd9"
_PADDING = 16  # equal bytes before the end marker that some cameras leave; more are a hole


class _File(NamedTuple):
    data: bytes
    head: Header
    words: str


def mended(data: bytes, head: Header, words: str) -> bytes | None:
    """Return a JPEG without the oddity that libjpeg-turbo names in `words`; None if none can be taken out."""
    for beginning, mend in _MENDS.items():
        if words.startswith(beginning):
            other = mend(_File(data, head, words))
            return None if other == data else other
    return None


def _closed(file: _File) -> bytes:
    """Add the end marker: if it alone was missing, nothing else is said."""
    return file.data if file.data.endswith(_END) else file.data + _END


def _without_padding(file: _File) -> bytes | None:
    """Take out a few equal bytes before the end marker, which came after the last pixel."""
    found = _EXTRANEOUS.match(file.words)
    if found is None:
        return None
    last = [segment for segment in segments(file.data, file.head.scan) if segment.kind == SCAN][-1]
    end = coded_end(file.data, last)
    start = end - int(found[1])
    coded = file.data[:end]
    if end - len(coded.rstrip(coded[-1:])) not in range(end - start, _PADDING + 1):
        return None
    return coded[:start] + file.data[end:]


def _known_version(file: _File) -> bytes:
    """Say JFIF 1.1 where another version stands, which libjpeg does not know and which changes nothing."""
    return _changed(file.data, {it.body + 5: 1 for it in _named(file.data, APP0, b"JFIF")})


def _known_transform(file: _File) -> bytes:
    """Name the transform that libjpeg, and with it everybody, takes an unknown one of Adobe's for."""
    taken = 2 if len(file.head.components) == 4 else 1
    return _changed(file.data, {it.body + 11: taken for it in _named(file.data, ADOBE, b"Adobe")})


def _whole_blocks(file: _File) -> bytes | None:
    """Say that a sequential scan holds whole blocks; it cannot hold less, but some cameras leave zeros there."""
    changes: dict[int, int] = {}
    for scan in (it for it in segments(file.data, file.head.scan) if it.kind == SCAN):
        at = scan.body + 1 + 2 * file.data[scan.body]
        changes |= {at: 0, at + 1: 63, at + 2: 0}
    return None if file.head.progressive else _changed(file.data, changes)


def _named(data: bytes, kind: int, name: bytes) -> list[Segment]:
    return [it for it in segments(data, 2) if it.kind == kind and data.startswith(name, it.body)]


def _changed(data: bytes, changes: dict[int, int]) -> bytes:
    other = bytearray(data)
    for at, value in changes.items():
        other[at] = value
    return bytes(other)


# What libjpeg-turbo's jerror.h calls warnings and no pixel depends on, by the beginning of its words.
_MENDS: dict[str, Callable[[_File], bytes | None]] = {
    "Premature end of JPEG file": _closed,
    "Corrupt JPEG data": _without_padding,
    "Warning: unknown JFIF revision number": _known_version,
    "Unknown Adobe color transform code": _known_transform,
    "Invalid SOS parameters for sequential JPEG": _whole_blocks,
}
