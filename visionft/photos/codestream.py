"""The codestream of a JPEG 2000 (ISO/IEC 15444-1, annex A): what decoding will cost, and whether its tiles are whole.

A few bytes may ask for any number of tiles, precincts, code blocks and layers, for all of which OpenJPEG reserves
memory before it looks at the data. Encoders' own settings stay far below the bounds here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

from visionft.errors import PhotoError
from visionft.photos.zero_runs import HOLE, REASON, has_hole, refuse_hole

START = b"\xff\x4f\xff\x51"
"""How a codestream begins: SOC and SIZ."""

MAX_PACKETS = 10_000_000
"""Of all tiles; a picture of 200 megapixels in tiles of 256 and 12 layers has 700,000."""
MAX_SEGMENTS = 100_000
"""Parts of tiles and the segments in their headers."""
MAX_IN_HEADER = 1000
"""Marker segments of one header."""
_SPARE, _TILE_PIXELS, _BLOCK_SAMPLES = 4096, 4096, 64
"""Tiles, and blocks of a tile, that any picture may have; beyond them so many pixels or samples for each."""

_SECTOR = 512
"""Zero bytes in a row that nothing writes. Photos have 10, grey ramps 32, lines of black and white in turn 317."""
_RUN = 64

_SOT, _SOD, _EOC = 0xFF90, 0xFF93, 0xFFD9
_END = _EOC.to_bytes(2, "big")
_COD, _COC, _POC = 0xFF52, 0xFF53, 0xFF5F
_LAID = "a JPEG 2000 of too many tiles, blocks or layers for its size"

Marker = tuple[int, int, int]
"""A marker, and where its segment begins and ends behind the length."""


@dataclass(frozen=True)
class Style:
    """How a tile is coded, as COD or COC states it.

    Attributes:
        levels: of the wavelet, in [0, 32].
        block: exponents of width and height of a code block.
        precincts: exponents of width and height at each resolution, the smallest first; empty: one precinct each.
        layers: of quality; 0 where COC leaves it to COD.
    """

    levels: int
    block: tuple[int, int]
    precincts: tuple[tuple[int, int], ...]
    layers: int

    def counts(self, width: int, height: int) -> tuple[int, int, int]:
        """Return the precincts, the largest number of them at one resolution, and the blocks of a tile's channel."""
        total = largest = blocks = 0
        for level in range(self.levels + 1):
            across, down = (-(-side >> self.levels - level) + 1 for side in (width, height))
            wide, high = self.precincts[level] if self.precincts else (15, 15)
            precincts = ((across >> wide) + 2) * ((down >> high) + 2) if self.precincts else 1
            shrink, bands = (0, 1) if level == 0 else (1, 3)
            sides = [min(most, each - shrink) for most, each in zip(self.block, (wide, high), strict=True)]
            if min(sides) < 0:
                raise PhotoError("damaged")
            held = ((across >> shrink + sides[0]) + 1) * ((down >> shrink + sides[1]) + 1)
            total, largest = total + precincts, max(largest, precincts)
            blocks += bands * (held + precincts)
        return total, largest, blocks


@dataclass(frozen=True)
class Codestream:
    """A codestream within a file; every part is read when it is asked for.

    Attributes:
        data: the file.
        at: where SOC is.
        end: where the codestream ends, by its box or the file.

    Raises:
        PhotoError: in every property and method, where the codestream is cut, damaged or out of bounds.
    """

    data: bytes
    at: int
    end: int

    @cached_property
    def siz(self) -> tuple[int, ...]:
        """The numbers of SIZ: capabilities, far and near corner, size and corner of tiles, channels."""
        if self.data[self.at : self.at + 4] != START:
            raise PhotoError("damaged")
        if self.at + 42 > len(self.data):
            raise PhotoError("truncated")
        return struct.unpack_from(">H8IH", self.data, self.at + 6)

    @property
    def size(self) -> tuple[int, int]:
        """(Width, height) in pixels."""
        _, right, bottom, left, top, *_ = self.siz
        if right <= left or bottom <= top:
            raise PhotoError("damaged")
        return right - left, bottom - top

    @property
    def channels(self) -> list[tuple[int, int, int]]:
        """Of each channel the bits with the sign at 128, and the steps across and down in pixels."""
        start, count = self.at + 42, self.siz[9]
        body = self.data[start : start + 3 * count]
        if len(body) < 3 * count:
            raise PhotoError("truncated")
        return [(body[n], body[n + 1], body[n + 2]) for n in range(0, len(body), 3)]

    @property
    def tiles(self) -> int:
        """How many there are."""
        _, right, bottom, left, top, wide, high, first, upper, _ = self.siz
        if not wide or not high or first > left or upper > top or first + wide <= left or upper + high <= top:
            raise PhotoError("damaged")
        return -(-(right - first) // wide) * -(-(bottom - upper) // high)

    @property
    def tile_size(self) -> tuple[int, int]:
        """(Width, height) of the largest tile, in pixels that the picture has."""
        width, height = self.size
        return min(width, self.siz[5]), min(height, self.siz[6])

    @cached_property
    def head(self) -> list[Marker]:
        """The marker segments before the first tile."""
        return self._segments(self.at + 2, _SOT)

    @cached_property
    def layers(self) -> int:
        """How many the main header states: the most that it does."""
        return max((self._style(*marker).layers for marker in self.head if marker[0] == _COD), default=0)

    def refuse_laborious(self) -> None:
        """Raise a PhotoError if the main header asks for far more than its pixels need."""
        width, height = self.size
        if self.tiles > _SPARE + width * height // _TILE_PIXELS:
            raise PhotoError(_LAID)
        if not self.layers:
            raise PhotoError("damaged")
        self._packets(self.head, 0)

    def refuse_parts(self) -> None:
        """Raise a PhotoError unless every tile is there to its end, costs what its pixels need, and has no hole."""
        found, stated = dict[int, int](), dict[int, int]()
        most, left, at = self._of_head, MAX_SEGMENTS, self.head[-1][2]
        while at + 2 <= self.end and not self.data.startswith(_END, at):
            tile, parts, inner, last = self._part(at)
            left -= 1 + len(inner)
            if left < 0:
                raise PhotoError(f"more than {MAX_SEGMENTS:,} parts of tiles")
            most = max(most, self._packets(inner, self._of_head))
            self._refuse_hole(inner[-1][2] + 2, last, most)
            found[tile], stated[tile] = found.get(tile, 0) + 1, max(parts, stated.get(tile, 0))
            at = last
        ended = self.data.startswith(_END, at)  # a file that lacks its end alone is whole, if its parts are counted
        lacking = any(found[tile] < parts or not (parts or ended) for tile, parts in stated.items())
        if lacking or len(found) < self.tiles:
            raise PhotoError("truncated")

    def _refuse_hole(self, start: int, end: int, packets: int) -> None:
        """Raise a PhotoError for more zeros in a row than empty packets, of a zero each, or a drawing's lines make.

        What writes a hole's worth of zeros in one place, as even lines do, writes them in many.
        """
        refuse_hole(self.data, start, end, least=max(_SECTOR, packets))
        if has_hole(self.data, start, end, least=max(HOLE, packets)):
            runs = self.data.count(bytes(_RUN), start, end)
            if runs * _RUN < 2 * _SECTOR:
                raise PhotoError(REASON)

    def _part(self, at: int) -> tuple[int, int, list[Marker], int]:
        """Return of the tile part at a place: its tile, how many there are (0: unsaid), its segments, its end."""
        if at + 12 > self.end:
            raise PhotoError("truncated")
        marker, _, tile, length, _, parts = struct.unpack_from(">HHHIBB", self.data, at)
        if marker != _SOT:
            raise PhotoError("damaged")
        inner, last = self._segments(at, _SOD), at + length if length else self._last()
        if last > self.end:
            raise PhotoError("truncated")
        if inner[-1][2] + 2 > last:
            raise PhotoError("damaged")
        return tile, parts, inner, last

    def _last(self) -> int:
        """Return where the last tile part ends that states no length: at the end of the codestream."""
        if not self.data.startswith(_END, self.end - 2):
            raise PhotoError("truncated")
        return self.end - 2

    def _segments(self, at: int, until: int) -> list[Marker]:
        """Return the segments from a place to one of a marker, which is left out."""
        found: list[Marker] = []
        for _ in range(MAX_IN_HEADER):
            if at + 4 > self.end:
                raise PhotoError("truncated")
            marker, length = struct.unpack_from(">HH", self.data, at)
            if marker == until:
                return found
            if marker < 0xFF01 or length < 2 or marker in (_SOD, _EOC):
                raise PhotoError("damaged")
            if at + 2 + length > self.end:
                raise PhotoError("truncated")
            found.append((marker, at + 4, at + 2 + length))
            at += 2 + length
        raise PhotoError(f"more than {MAX_IN_HEADER:,} segments in a header")

    @cached_property
    def _of_head(self) -> int:
        return self._packets(self.head, 0)

    def _packets(self, markers: list[Marker], packets: int) -> int:
        """Return how many packets a tile has at most, by these segments or before; PhotoError above the bounds."""
        (width, height), channels = self.tile_size, self.siz[9]
        styles = [self._style(*marker) for marker in markers if marker[0] in (_COD, _COC)]
        layers = max((style.layers for style in styles), default=0) or self.layers
        orders = 1 + sum((last - start) // 7 for marker, start, last in markers if marker == _POC)
        for style in styles:
            precincts, largest, blocks = style.counts(width, height)
            if blocks > _SPARE + width * height // _BLOCK_SAMPLES:
                raise PhotoError(_LAID)
            # OpenJPEG's table of what it has read is of the largest resolution for all of them.
            packets = max(packets, layers * channels * max(precincts, largest * (style.levels + 1)))
        if packets * self.tiles * orders > MAX_PACKETS:
            raise PhotoError(_LAID)
        return packets

    def _style(self, marker: int, start: int, end: int) -> Style:
        body = self.data[start:end]
        wide = 1 if self.siz[9] < 257 else 2
        skipped = 5 if marker == _COD else wide + 1  # style, order, layers, colours; or channel and style
        if len(body) < skipped + 5:
            raise PhotoError("damaged")
        layers = int.from_bytes(body[2:4], "big") if marker == _COD else 0
        levels, across, down, _, _ = body[skipped : skipped + 5]
        stated = body[0 if marker == _COD else wide] & 1
        precincts = tuple((each & 15, each >> 4) for each in body[skipped + 5 :]) if stated else ()
        if levels > 32 or across > 8 or down > 8 or (stated and len(precincts) <= levels):
            raise PhotoError("damaged")
        return Style(levels, (across + 2, down + 2), precincts, layers)
