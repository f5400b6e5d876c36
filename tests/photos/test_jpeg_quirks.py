"""Oddities of JPEGs that no pixel depends on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.photos.test_jpeg import END, PLAIN, PROGRESSIVE, changed, starts, warning
from visionft.errors import PhotoError
from visionft.photos import decode, jpeg_segments
from visionft.photos.jpeg_quirks import mended


def odd_version() -> bytes:
    return changed(PLAIN, PLAIN.index(b"JFIF") + 5, b"\3")


def odd_scan() -> bytes:
    return changed(PLAIN, starts(PLAIN)[0] + 5 + 2 * 3, b"\0\0\0")


def odd_transform() -> bytes:
    return PLAIN[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07" + PLAIN[20:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PLAIN[:-2], "Premature end of JPEG file"),
        (PLAIN[:-1], "Premature end of JPEG file"),
        (PROGRESSIVE[:-2], "Premature end of JPEG file"),
        (PLAIN[:-2] + bytes(10) + END, "Corrupt JPEG data: "),
        (odd_version(), "Warning: unknown JFIF revision number 3.01"),
        (odd_scan(), "Invalid SOS parameters for sequential JPEG"),
        (odd_transform(), "Unknown Adobe color transform code 7"),
        (odd_version()[:-2] + bytes(10) + END, "Warning: unknown JFIF revision number 3.01"),
    ],
)
def test_what_costs_no_pixel_is_read(data: bytes, words: str) -> None:
    assert warning(data).startswith(words)
    np.testing.assert_array_equal(decode(data), decode(PLAIN))


def test_other_bytes_before_the_end_marker_are_damage() -> None:
    for stray in (b"abcdefghijkl", bytes(40), b"\x55" * 40):
        data = PLAIN[:-2] + stray + END
        assert "extraneous bytes before marker 0xd9" in warning(data)
        with pytest.raises(PhotoError, match="damaged"):
            decode(data)


def test_an_oddity_hides_no_damage() -> None:
    data = odd_version()
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: len(data) // 2] + END)


def test_only_an_oddity_that_can_be_taken_out_is() -> None:
    head = jpeg_segments.header(PLAIN)
    assert mended(PLAIN, head, "Corrupt JPEG data: bad Huffman code") is None
    assert mended(PLAIN, head, "Premature end of JPEG file") is None, "its end is there"
    assert mended(PLAIN[:-2], head, "Premature end of JPEG file") == PLAIN
    assert mended(PLAIN, head, "something else") is None


def test_sixteen_equal_bytes_before_the_end_are_padding_and_more_are_a_hole() -> None:
    head = jpeg_segments.header(PLAIN)
    for number, taken in ((1, True), (16, True), (17, False)):
        data = PLAIN[:-2] + b"\x20" * number + END
        words = f"Corrupt JPEG data: {number} extraneous bytes before marker 0xd9"
        assert (mended(data, head, words) == PLAIN) is taken, number
