"""The segments of a JPEG, walked within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.photos.test_jpeg import PLAIN, changed
from visionft.errors import PhotoError
from visionft.photos import decode, jpeg_segments


def test_countless_segments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_segments, "MAX_SEGMENTS", 100)
    with pytest.raises(PhotoError, match="more than 100 segments"):
        decode(PLAIN[:2] + b"\xff\xfe\0\2" * 101 + PLAIN[2:])
    assert decode(PLAIN[:2] + b"\xff" * 5000 + PLAIN[2:]).shape == (150, 200, 3)  # fill bytes are no segments


def test_markers_without_a_length_are_stepped_over_and_unknown_ones_refused() -> None:
    np.testing.assert_array_equal(decode(PLAIN[:2] + b"\xff\x01\xff\xd3" + PLAIN[2:]), decode(PLAIN))
    with pytest.raises(PhotoError, match="damaged"):
        decode(PLAIN[:2] + b"\xff\x20\0\2" + PLAIN[2:])


def test_twelve_bits_are_named() -> None:
    frame = PLAIN.index(b"\xff\xc0")
    with pytest.raises(PhotoError, match="a JPEG of 12 bits a sample: save it with 8"):
        decode(changed(PLAIN, frame + 4, b"\x0c"))
