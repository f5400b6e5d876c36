"""AVIFs by the zeros in their coded pictures: AV1 has no checksum, and decodes a hole as noise or grey."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import AvifImagePlugin

from visionft.errors import PhotoError
from visionft.photos.zero_runs import refuse_hole

MAX_BOXES = 10_000
MAX_EXTENTS = 100_000
_PICTURES = frozenset({b"av01"})

Span = tuple[int, int]
_NONE: Span = (0, 0)


class FirstFrame(AvifImagePlugin.AvifImageFile):
    """An AVIF whose decoder lets its planes go before the pixels are copied into the picture."""

    def load_prepare(self) -> None:
        """Free them; the first frame has been taken."""
        self._decoder = None
        super().load_prepare()


def check(data: bytes) -> None:
    """Raise a PhotoError if the file is shorter than its boxes say, or a coded picture in it has a hole of zeros."""
    boxes = {kind: (first, last) for kind, first, last in _boxes(data, 0, len(data))}
    for start, end in _coded(data, boxes):
        if end > len(data):
            raise PhotoError("truncated")
        refuse_hole(data, start, end)


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the contents of each box."""
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        elif length == 0:
            length = end - at
        if length < start - at:
            raise PhotoError("damaged")
        yield kind, start, at + length
        at += length
    raise PhotoError(f"more than {MAX_BOXES:,} boxes")


def _coded(data: bytes, boxes: dict[bytes, Span]) -> Iterator[Span]:
    """Yield where coded pictures lie: items of `meta`; in a sequence all data that are no item of another kind."""
    kinds, places = dict[int, bytes](), dict[int, list[Span]]()
    if b"meta" in boxes:
        start, end = boxes[b"meta"]
        inner = {kind: (first, last) for kind, first, last in _boxes(data, start + 4, min(end, len(data)))}
        kinds = _kinds(data, inner.get(b"iinf", _NONE))
        places = _places(data, inner.get(b"iloc", _NONE), inner.get(b"idat", _NONE)[0])
    for item, spans in places.items():
        if kinds.get(item) in _PICTURES:
            yield from spans
    if b"moov" in boxes and b"mdat" in boxes:
        yield from _between(boxes[b"mdat"], [span for spans in places.values() for span in spans])


def _between(whole: Span, items: list[Span]) -> Iterator[Span]:
    at, end = whole
    for first, last in sorted(items):
        if at < first < end:
            yield at, first
        at = max(at, last)
    yield at, end


def _kinds(data: bytes, box: Span) -> dict[int, bytes]:
    """Return the kind of each item."""
    start, end = box
    if start == end:
        return {}
    head = 6 if data[start] == 0 else 8
    kinds = {}
    for kind, at, _ in _boxes(data, start + head, end):
        if kind == b"infe" and data[at] >= 2:
            wide = 2 if data[at] == 2 else 4
            kinds[int.from_bytes(data[at + 4 : at + 4 + wide], "big")] = data[at + 6 + wide : at + 10 + wide]
    return kinds


def _places(data: bytes, box: Span, contained: int) -> dict[int, list[Span]]:
    """Return where the extents of each item lie in the file; some are counted from where `contained` begins."""
    start, end = box
    if start == end:
        return {}
    fields, version = _Fields(data, start + 6, end), data[start]
    offset_wide, length_wide = data[start + 4] >> 4, data[start + 4] & 15
    base_wide, index_wide = data[start + 5] >> 4, data[start + 5] & 15 if version else 0
    places, left = dict[int, list[Span]](), MAX_EXTENTS
    for _ in range(fields.read(4 if version == 2 else 2)):
        item = fields.read(4 if version == 2 else 2)
        within = fields.read(2) & 15 if version else 0
        fields.read(2)
        base = fields.read(base_wide) + (contained if within == 1 else 0)
        spans = places.setdefault(item, [])
        extents = fields.read(2)
        left -= 1 + extents
        if left < 0:
            raise PhotoError(f"more than {MAX_EXTENTS:,} extents")
        for _ in range(extents):
            fields.read(index_wide)
            first = base + fields.read(offset_wide)
            spans.append((first, first + fields.read(length_wide)))
    return places


class _Fields:
    """Big-endian numbers one after the other; PhotoError behind the end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def read(self, wide: int) -> int:
        self.at += wide
        if self.at > self.end:
            raise PhotoError("damaged")
        return int.from_bytes(self.data[self.at - wide : self.at], "big")
