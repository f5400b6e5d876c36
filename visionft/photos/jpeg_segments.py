"""The segments of a JPEG: 0xFF, a kind, a length in two bytes and a body; behind those of scans are coded data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from visionft.errors import PhotoError

MAX_SEGMENTS = 10_000

APP0, ADOBE, TABLES, SCAN = 0xE0, 0xEE, 0xC4, 0xDA
# The segments of a header that say nothing of how the picture is to be turned or coloured: frame (baseline, extended,
# progressive), tables, restarts, JFIF, comment.
_PLAIN = frozenset({0xC0, 0xC1, 0xC2, TABLES, 0xDB, 0xDD, APP0, 0xFE})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {TABLES, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_END = 0xD9
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and restarts: without a length
_FILL = re.compile(rb"\xff+")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Header(NamedTuple):
    """What a JPEG says before its first scan.

    Attributes:
        size: (height, width) in pixels.
        components: Their identifiers, one byte each.
        progressive: Whether scans refine each other.
        plain: Whether nothing is said of turning and colours.
        scan: Where the first scan's segment begins.
    """

    size: tuple[int, int]
    components: bytes
    progressive: bool
    plain: bool
    scan: int


class Segment(NamedTuple):
    """Where a segment's marker, its body and what follows it begin."""

    kind: int
    at: int
    body: int
    end: int


def header(data: bytes) -> Header:
    """Walk the segments up to the first scan; PhotoError if there is none."""
    frame, plain = None, True
    for segment in segments(data, 2):
        if segment.kind == SCAN:
            break
        if segment.kind in _FRAMES:
            frame = segment
        plain = plain and segment.kind in _PLAIN
    else:
        raise PhotoError("damaged")
    if frame is None:
        raise PhotoError("damaged")
    body = data[frame.body : frame.end]
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise PhotoError("damaged")
    if body[0] != 8:
        raise PhotoError(f"a JPEG of {body[0]} bits a sample: save it with 8")
    size = (body[1] << 8 | body[2], body[3] << 8 | body[4])
    components = body[6 : 6 + 3 * body[5] : 3]
    return Header(size, components, frame.kind in _PROGRESSIVE, plain, segment.at)


def segments(data: bytes, at: int) -> Iterator[Segment]:
    """Yield the segments from `at` on, stepping over the coded data of scans, up to the end marker or the file's."""
    for _ in range(MAX_SEGMENTS):
        kind, at = _marker(data, at)
        if kind == _END:
            return
        if kind in _BARE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if max(end, at + 4) > len(data):
            raise PhotoError("truncated")
        segment = Segment(kind, at, at + 4, end)
        yield segment
        at = end
        if kind == SCAN:
            at = coded_end(data, segment)
            if at == len(data):
                return
    raise PhotoError(f"more than {MAX_SEGMENTS:,} segments")


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """Return the kind of the marker at a place, and where it begins behind the fill bytes."""
    head = data[at : at + 2]
    if head == b"\xff\xff" and (fill := _FILL.match(data, at)):
        at = fill.end() - 1
        head = data[at : at + 2]
    if len(head) < 2:
        raise PhotoError("truncated")
    if head[0] != 0xFF or (head[1] < 0xC0 and head[1] not in _BARE):
        raise PhotoError("damaged")
    return head[1], at


def coded_end(data: bytes, scan: Segment) -> int:
    """Return where the coded data behind a scan's segment end: at the next marker, or at the file's end."""
    following = _AFTER_SCAN.search(data, scan.end)
    return following.start() if following else len(data)
