"""The codestream of a JPEG 2000: what it asks for is bounded by its pixels, and every tile has to be there."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos.codestream import Codestream, Style

NOISE = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)


def stream(picture: Image.Image | None = None, **told: Any) -> bytes:
    file = BytesIO()
    (picture or Image.fromarray(NOISE)).save(file, "JPEG2000", no_jp2=True, **told)
    return file.getvalue()


def of(data: bytes) -> Codestream:
    return Codestream(data, 0, len(data))


def changed(data: bytes, marker: int, at: int, value: bytes) -> bytes:
    """Return the file with bytes changed, counted from a marker."""
    place = data.index(struct.pack(">H", marker)) + at
    return data[:place] + value + data[place + len(value) :]


def refuse(data: bytes) -> None:
    of(data).refuse_laborious()
    of(data).refuse_parts()


def test_the_blocks_of_a_tile_are_counted_from_above() -> None:
    whole = Style(5, (6, 6), (), 1)
    assert whole.counts(1024, 1024)[:2] == (6, 1), "one precinct a resolution"
    blocks = sum(
        (3 if level else 1) * (max(1, 1024 >> 5 - level >> (1 if level else 0) >> 6)) ** 2 for level in range(6)
    )
    assert blocks <= whole.counts(1024, 1024)[2] <= 4 * blocks
    precincts = Style(0, (6, 6), ((5, 5),), 1)
    assert precincts.counts(1024, 1024)[0] >= 1024
    assert precincts.counts(1024, 1024)[2] >= 1024


def test_what_is_stated_is_read() -> None:
    found = of(stream(tile_size=(64, 50), quality_layers=[20, 5]))
    assert found.size == (200, 120)
    assert found.channels == [(7, 1, 1)] * 3
    assert (found.tiles, found.tile_size, found.layers) == (12, (64, 50), 2)
    assert of(stream(offset=(7, 9), tile_size=(100, 100))).size == (200, 120)


@pytest.mark.parametrize(
    "told",
    [{}, {"tile_size": (32, 32)}, {"precinct_size": (64, 64), "codeblock_size": (16, 16)}, {"num_resolutions": 1}],
)
def test_what_encoders_write_is_within_the_bounds(told: dict[str, Any]) -> None:
    refuse(stream(**told))
    refuse(stream(Image.new("L", (1, 1)), **told))
    refuse(stream(Image.new("L", (3000, 2)), **told))


LAID = "a JPEG 2000 of too many tiles, blocks or layers for its size"


@pytest.mark.parametrize(
    ("marker", "at", "value", "words"),
    [
        (0xFF51, 22, struct.pack(">II", 1, 1), LAID),
        (0xFF51, 22, struct.pack(">II", 0, 1), "damaged"),
        (0xFF51, 6, struct.pack(">I", 0), "damaged"),
        (0xFF52, 10, b"\x09", "damaged"),
        (0xFF52, 9, b"\x21", "damaged"),
        (0xFF52, 2, b"\xff\xff", "damaged"),
        (0xFF90, 4, b"\x00\x01", "truncated"),
        (0xFF90, 6, b"\x7f\xff\xff\xff", "truncated"),
        (0xFF90, 11, b"\x02", "truncated"),
    ],
)
def test_a_hostile_or_damaged_header_is_refused(marker: int, at: int, value: bytes, words: str) -> None:
    data = changed(stream(), marker, at, value)
    if marker == 0xFF90 and at == 4:  # two tiles, of which the second is there
        data = changed(data, 0xFF51, 22, struct.pack(">I", 100))
    with pytest.raises(PhotoError, match=words):
        refuse(data)


def test_many_layers_of_many_precincts_are_too_many() -> None:
    data = stream(precinct_size=(64, 64), codeblock_size=(16, 16))
    with pytest.raises(PhotoError, match=LAID):
        refuse(changed(data, 0xFF52, 6, b"\xff\xff"))


def test_blocks_of_four_by_four_are_too_many() -> None:
    picture = Image.new("L", (400, 400))
    with pytest.raises(PhotoError, match=LAID):
        refuse(stream(picture, codeblock_size=(4, 4)))
    refuse(stream(picture, codeblock_size=(16, 16)))


def test_a_tile_may_not_ask_for_more_than_the_picture() -> None:
    data = stream()
    layers = b"\xff\x52" + struct.pack(">HBBHB5B6B", 18, 1, 0, 0xFFFF, 0, 5, 4, 4, 0, 0, *[0x55] * 6)
    start = data.index(b"\xff\x90") + 12
    length = int.from_bytes(data[start - 6 : start - 2], "big") + len(layers)
    tile = data[: start - 6] + struct.pack(">I", length) + data[start - 2 : start] + layers + data[start:]
    of(tile).refuse_laborious()
    with pytest.raises(PhotoError, match=LAID):
        of(tile).refuse_parts()


def test_a_file_that_lacks_its_end_marker_alone_is_whole() -> None:
    data = stream(tile_size=(64, 64))
    refuse(data[:-2])
    for cut in range(3, 200, 7):
        with pytest.raises(PhotoError, match="truncated"):
            refuse(data[:-cut])


def test_countless_segments_and_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = stream(tile_size=(64, 64))
    comment = b"\xff\x64\x00\x04\x00\x01"
    at = data.index(b"\xff\x52")
    with pytest.raises(PhotoError, match=r"more than 1,000 segments in a header"):
        refuse(data[:at] + comment * 1001 + data[at:])
    monkeypatch.setattr("visionft.photos.codestream.MAX_SEGMENTS", 3)
    with pytest.raises(PhotoError, match=r"more than 3 parts of tiles"):
        refuse(data)
