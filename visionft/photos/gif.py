"""GIFs by the chain of their blocks: PIL skips empty ones, which is what a hole of zeros consists of."""

from __future__ import annotations

from visionft.errors import PhotoError
from visionft.photos.zero_runs import REASON, refuse_hole

MAX_BLOCKS = 1_000_000
"""Blocks of up to 255 bytes up to the end of the first frame."""

_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B


def check(data: bytes) -> None:
    """Raise a PhotoError unless the blocks of the first frame lead to another one, or to the end."""
    at, left = 13 + _table(data, 10), MAX_BLOCKS
    while at < len(data):
        frame = data[at] == _FRAME
        if not frame and data[at] != _EXTENSION:
            raise PhotoError("damaged")
        start = at + (11 + _table(data, at + 9) if frame else 2)
        at, left = _after(data, start, left)
        if frame:
            refuse_hole(data, start, at)
            if at < len(data) and data[at] not in (_EXTENSION, _FRAME, _END):
                raise PhotoError(REASON if data[at] == 0 else "damaged")
            return
    raise PhotoError("truncated")


def _table(data: bytes, at: int) -> int:
    """Return the bytes of the colour table that a byte of flags announces."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after(data: bytes, at: int, left: int) -> tuple[int, int]:
    """Return where a chain of blocks ends, behind the empty one, and how many more may follow."""
    while at < len(data) and data[at]:
        at, left = at + 1 + data[at], left - 1
        if left < 0:
            raise PhotoError(f"more than {MAX_BLOCKS:,} blocks")
    if at >= len(data):
        raise PhotoError("truncated")
    return at + 1, left - 1
