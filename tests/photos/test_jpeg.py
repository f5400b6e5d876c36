"""JPEGs: what libjpeg-turbo warns of, which oddities cost nothing, and how many scans are worked through."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos import decode, jpeg_scans, jpeg_segments
from visionft.photos.zero_runs import REASON

LEVELS = np.mgrid[0:150, 0:200]
PHOTO = Image.fromarray(np.stack([LEVELS[0], LEVELS[1], LEVELS.prod(0) % 256], -1).astype(np.uint8))
END = b"\xff\xd9"


def encoded(picture: Image.Image = PHOTO, **told: Any) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", **told)
    return file.getvalue()


PLAIN, PROGRESSIVE = encoded(), encoded(progressive=True)


def changed(data: bytes, at: int, values: bytes) -> bytes:
    return data[:at] + values + data[at + len(values) :]


def starts(data: bytes) -> list[int]:
    return [found.start() for found in re.finditer(b"\xff\xda", data)]


def warning(data: bytes) -> str:
    with pytest.raises(ValueError, match=r"JPEG|JFIF|Adobe") as caught:
        simplejpeg.decode_jpeg(data)
    return str(caught.value)


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


def test_a_half_with_an_end_marker_is_truncated() -> None:
    for data in (PLAIN, PROGRESSIVE, encoded(exif=Image.Exif()), encoded(PHOTO.convert("L")), encoded(optimize=True)):
        half = data[: len(data) // 2] + END
        assert Image.open(BytesIO(half)).convert("RGB").size == PHOTO.size  # PIL takes it
        with pytest.raises(PhotoError, match="truncated"):
            decode(half)


def test_an_oddity_hides_no_damage() -> None:
    data = odd_version()
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[: len(data) // 2] + END)


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
