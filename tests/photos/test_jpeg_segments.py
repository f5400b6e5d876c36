"""The segments of a JPEG, walked within bounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.photos.test_jpeg import END, PLAIN, PROGRESSIVE, changed, encoded
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


def test_a_header_says_size_components_and_whether_scans_refine_each_other() -> None:
    for data, progressive in ((PLAIN, False), (PROGRESSIVE, True)):
        head = jpeg_segments.header(data)
        assert (head.size, head.progressive, head.plain, len(head.components)) == ((150, 200), progressive, True, 3)
        assert data[head.scan : head.scan + 2] == b"\xff\xda"
    assert not jpeg_segments.header(encoded(icc_profile=b"x" * 200)).plain


def test_what_is_cut_before_the_first_scan_is_truncated_or_damaged() -> None:
    with pytest.raises(PhotoError, match="truncated"):
        jpeg_segments.header(PLAIN[:100])
    with pytest.raises(PhotoError, match="damaged"):
        jpeg_segments.header(PLAIN[:2] + END)


def test_segments_follow_each_other_without_a_gap() -> None:
    found = list(jpeg_segments.segments(PLAIN, 2))
    assert found[0].at == 2
    assert all(one.end == other.at for one, other in pairwise(found))
    assert jpeg_segments.coded_end(PLAIN, found[-1]) == len(PLAIN) - 2
