"""What the scans of a JPEG must bring, and no zeros in the place of data."""

from __future__ import annotations

import re
from typing import Any

import pytest
import simplejpeg

from tests.photos.test_jpeg import END, PHOTO, PROGRESSIVE, encoded, starts
from visionft.errors import PhotoError
from visionft.photos import decode, jpeg_scans, jpeg_segments
from visionft.photos.zero_runs import REASON


def test_scans_that_were_never_written_are_missed() -> None:
    written = [it for it in jpeg_segments.segments(PROGRESSIVE, 2) if it.kind == jpeg_segments.SCAN]
    assert len(written) == 10
    for scan in written[:-1]:
        data = PROGRESSIVE[: jpeg_segments.coded_end(PROGRESSIVE, scan)] + END
        simplejpeg.decode_jpeg(data)  # libjpeg is content with a coarse picture
        with pytest.raises(PhotoError, match="truncated"):
            decode(data)


def test_a_component_without_its_scan_is_missed() -> None:
    """A sequential JPEG may have a scan a component, of which the last ones were cut."""
    grey = encoded(PHOTO.convert("L"))
    frame = grey.index(b"\xff\xc0")
    three = b"\xff\xc0\0\x11" + grey[frame + 4 : frame + 9] + b"\3\1\x11\0\2\x11\0\3\x11\0"
    data = grey[:frame] + three + grey[frame + 13 :]
    assert simplejpeg.decode_jpeg(data).shape == (150, 200, 3)
    with pytest.raises(PhotoError, match="truncated"):
        decode(data)


def with_scans(number: int) -> bytes:
    last = PROGRESSIVE[starts(PROGRESSIVE)[-1] : -2]
    return PROGRESSIVE[:-2] + last * number + END


def test_3000_scans_are_counted_and_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = with_scans(2990)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(PhotoError, match="more than 100 scans"):
        decode(data)


def test_large_pictures_may_have_fewer_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_scans, "MAX_SCANNED", 10 * 150 * 200)
    assert decode(PROGRESSIVE).shape == (150, 200, 3)
    monkeypatch.setattr(jpeg_scans, "MAX_SCANNED", 10 * 150 * 200 - 1)
    with pytest.raises(PhotoError, match="more than 9 scans"):
        decode(PROGRESSIVE)


def test_twenty_scans_of_the_largest_photo_are_allowed() -> None:
    assert jpeg_scans.MAX_SCANNED == 20 * 200_000_000


@pytest.mark.parametrize("told", [{}, {"optimize": True}, {"restart_marker_rows": 1}, {"quality": 95}])
def test_holes_behind_which_the_codes_fall_into_step_are_found_too(told: dict[str, Any]) -> None:
    data = encoded(PHOTO.resize((800, 600)), **told)
    first = starts(data)[0] + 20
    for at in range(first, len(data) - 300, max(1, (len(data) - first) // 60)):
        with pytest.raises(PhotoError):
            decode(data[:at] + bytes(256) + data[at + 256 :])


def test_zeros_that_mean_coefficients_are_a_hole() -> None:
    """What libjpeg takes without a warning: the first code of the standard tables is a coefficient of -1."""
    taken = []
    data = encoded()
    for at in range(starts(data)[0] + 20, len(data) - 300, 3):
        hole = data[:at] + bytes(256) + data[at + 256 :]
        try:
            simplejpeg.decode_jpeg(hole)
        except ValueError:
            continue
        taken.append(hole)
    assert taken
    for hole in taken:
        with pytest.raises(PhotoError, match=re.escape(REASON)):
            decode(hole)
