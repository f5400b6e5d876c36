"""Where the strips or tiles of a TIFF's page lie, as its tags state them."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import TiffImagePlugin

from visionft.errors import PhotoError

MAX_PARTS = 1_000_000
"""Strips or tiles: more than a photo has rows."""

_WIDTH, _HEIGHT, _SAMPLES, _ROWS, _PLANES = 256, 257, 277, 278, 284
_STRIPS, _TILES = (273, 279), (324, 325)
_TILE_SIDES = (322, 323)

Tags = TiffImagePlugin.ImageFileDirectory_v2


def part_size(tags: Tags) -> tuple[int, int]:
    """Return (width, height) of a strip or tile."""
    width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
    if _TILES[0] in tags:
        return int(tags[_TILE_SIDES[0]]), int(tags[_TILE_SIDES[1]])
    return width, max(1, min(height, int(tags.get(_ROWS, height))))


def parts(tags: Tags, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield where each strip or tile begins and ends; PhotoError if there are too few."""
    starts, lengths = (_numbers(tags.get(tag, ())) for tag in (_TILES if _TILES[0] in tags else _STRIPS))
    across, down = -(-int(tags[_WIDTH]) // size[0]), -(-int(tags[_HEIGHT]) // size[1])
    planes = int(tags.get(_SAMPLES, 1)) if tags.get(_PLANES, 1) == 2 else 1
    if len(starts) < across * down * planes or len(lengths) != len(starts):
        raise PhotoError("truncated")
    if len(starts) > MAX_PARTS:
        raise PhotoError(f"more than {MAX_PARTS:,} strips")
    yield from ((start, start + length) for start, length in zip(starts, lengths, strict=True))


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(str(value)),)
