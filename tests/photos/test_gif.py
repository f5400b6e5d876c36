"""GIFs by the chain of their blocks."""

from __future__ import annotations

import struct

import pytest

from visionft.errors import PhotoError
from visionft.photos import decode
from visionft.photos.gif import check


def lzw(codes: list[int]) -> bytes:
    """Pack codes of three bits, of which 4 begins anew and 5 ends."""
    bits = sum(code << 3 * place for place, code in enumerate(codes))
    return bits.to_bytes(-(-3 * len(codes) // 8), "little")


def gif(codes: list[int]) -> bytes:
    packed = lzw(codes)
    screen, frame = (
        struct.pack("<HHBBB", 4, 4, 0x81, 0, 0) + bytes(6) + b"\xff" * 6,
        struct.pack("<HHHHB", 0, 0, 4, 4, 0),
    )
    return b"GIF89a" + screen + b"," + frame + bytes([2, len(packed)]) + packed + b"\0;"


def test_a_gif_whose_codes_end_early_is_truncated() -> None:
    assert decode(gif([4, *[3, 4] * 16, 5])).min() == 255
    for codes in ([4, *[3, 4] * 15, 5], [4, 5], [4, *[3, 4] * 8]):
        with pytest.raises(PhotoError, match="truncated"):
            decode(gif(codes))


def test_the_first_frame_needs_another_block_or_the_end_behind_it() -> None:
    data = gif([4, *[3, 4] * 16, 5])
    check(data)
    check(data[:-1])  # the end marker alone may be missing
    with pytest.raises(PhotoError, match="truncated"):
        check(data[:-3])
    with pytest.raises(PhotoError, match="a part is missing"):
        check(data[:-1] + bytes(4))
    with pytest.raises(PhotoError, match="damaged"):
        check(data[:-1] + b"?")
    with pytest.raises(PhotoError, match="damaged"):
        check(data[:13] + b"?" + data[13:])


def test_countless_blocks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = gif([4, *[3, 4] * 16, 5])
    comment = b"\x21\xfe" + b"\1x" * 20 + b"\0"
    at = data.index(b"\x2c")
    check(data[:at] + comment + data[at:])
    monkeypatch.setattr("visionft.photos.gif.MAX_BLOCKS", 10)
    with pytest.raises(PhotoError, match="more than 10 blocks"):
        check(data[:at] + comment + data[at:])
