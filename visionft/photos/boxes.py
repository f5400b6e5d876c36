"""The boxes that AVIF and HEIC are made of (ISO/IEC 14496-12, 23008-12): which items a file has and where they lie."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from visionft.errors import PhotoError

MAX_BOXES = 10_000
MAX_EXTENTS = 100_000

Span = tuple[int, int]
"""Where something begins and ends in the file, in bytes."""

_NONE: Span = (0, 0)


def boxes_of(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the contents of each box."""
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        if at + 8 > len(data):
            raise PhotoError("truncated")
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            length, start = _number(data, start, 8), start + 8
        elif length == 0:
            length = end - at
        if length < start - at:
            raise PhotoError("damaged")
        yield kind, start, at + length
        at += length
    raise PhotoError(f"more than {MAX_BOXES:,} boxes")


def _number(data: bytes, at: int, wide: int) -> int:
    if at + wide > len(data):
        raise PhotoError("truncated")
    return int.from_bytes(data[at : at + wide], "big")


def _byte(data: bytes, at: int) -> int:
    return _number(data, at, 1)


class Fields:
    """Big-endian numbers one after the other; PhotoError behind the end, also behind that of the file."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def read(self, wide: int) -> int:
        """Return the number in the next so many bytes."""
        self.at += wide
        if self.at > self.end:
            raise PhotoError("damaged")
        return _number(self.data, self.at - wide, wide)


@dataclass(frozen=True)
class Items:
    """What the `meta` box of a file says of its items; every part is read when it is asked for.

    Attributes:
        data: the file.
        boxes: the boxes within `meta`, by their kind.
    """

    data: bytes
    boxes: dict[bytes, Span]

    @classmethod
    def of(cls, data: bytes) -> Items:
        """Find them; a file without `meta` has none."""
        start, end = _by_kind(data, 0, len(data)).get(b"meta", _NONE)
        return cls(data, _by_kind(data, start + 4, min(end, len(data))) if end else {})

    @cached_property
    def primary(self) -> int | None:
        """Which item is the picture."""
        start, end = self.boxes.get(b"pitm", _NONE)
        return Fields(self.data, start + 4, end).read(4 if _byte(self.data, start) else 2) if end else None

    @cached_property
    def kinds(self) -> dict[int, bytes]:
        """The kind of each item."""
        data, (start, end) = self.data, self.boxes.get(b"iinf", _NONE)
        if start == end:
            return {}
        head = 6 if _byte(data, start) == 0 else 8
        kinds = {}
        for kind, at, _ in boxes_of(data, start + head, end):
            if kind == b"infe" and (version := _byte(data, at)) >= 2:
                wide = 2 if version == 2 else 4
                kinds[_number(data, at + 4, wide)] = data[at + 6 + wide : at + 10 + wide]
        return kinds

    @cached_property
    def places(self) -> dict[int, list[Span]]:
        """Where the extents of each item lie in the file; some are counted from where `idat` begins."""
        data, (start, end) = self.data, self.boxes.get(b"iloc", _NONE)
        contained = self.boxes.get(b"idat", _NONE)[0]
        if start == end:
            return {}
        fields, version = Fields(data, start + 6, end), _byte(data, start)
        widths = _byte(data, start + 4), _byte(data, start + 5)
        offset_wide, length_wide = widths[0] >> 4, widths[0] & 15
        base_wide, index_wide = widths[1] >> 4, widths[1] & 15 if version else 0
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

    @cached_property
    def references(self) -> list[tuple[bytes, int, list[int]]]:
        """Which item refers to which others: kind of the reference, from, to."""
        start, end = self.boxes.get(b"iref", _NONE)
        found, left = list[tuple[bytes, int, list[int]]](), MAX_EXTENTS
        for kind, at, last in boxes_of(self.data, start + 4, end) if end else ():
            fields, wide = Fields(self.data, at, min(last, end)), 4 if _byte(self.data, start) else 2
            item, number = fields.read(wide), fields.read(2)
            left -= number
            if left < 0:
                raise PhotoError(f"more than {MAX_EXTENTS:,} extents")
            found.append((kind, item, [fields.read(wide) for _ in range(number)]))
        return found

    @cached_property
    def sizes(self) -> dict[int, tuple[int, int]]:
        """(Width, height) of each item that states them, before it is cut and turned."""
        data, (start, end) = self.data, self.boxes.get(b"iprp", _NONE)
        parts = _by_kind(data, start, end) if end else {}
        stated = {
            number: struct.unpack_from(">II", data, at + 4)
            for number, (kind, at, last) in enumerate(boxes_of(data, *parts.get(b"ipco", _NONE)), 1)
            if kind == b"ispe" and at + 12 <= min(last, len(data))
        }
        first, last = parts.get(b"ipma", _NONE)
        if first == last:
            return {}
        fields, sizes = Fields(data, first + 4, last), dict[int, tuple[int, int]]()
        item_wide, wide = 4 if _byte(data, first) else 2, 2 if _byte(data, first + 3) & 1 else 1
        for _ in range(fields.read(4)):
            item = fields.read(item_wide)
            for _ in range(fields.read(1)):
                number = fields.read(wide) & (0x7FFF if wide == 2 else 0x7F)
                if number in stated:
                    width, height = stated[number]
                    sizes[item] = (width, height)
        return sizes


def top_boxes(data: bytes) -> dict[bytes, Span]:
    """Return where the contents of the outermost boxes lie, by their kind."""
    return _by_kind(data, 0, len(data))


def _by_kind(data: bytes, at: int, end: int) -> dict[bytes, Span]:
    return {kind: (first, last) for kind, first, last in boxes_of(data, at, end)}
