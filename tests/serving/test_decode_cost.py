"""What a photo costs, from its header alone."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from visionft.photos import decode
from visionft.serving.decode_cost import APART_PIXELS, BYTES_A_PIXEL, Weight, weigh, weigh_levels


def saved(size: tuple[int, int], kind: str, **options: object) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_small_photo_shares_the_threads(kind: str) -> None:
    assert weigh(saved((40, 30), kind)) == Weight(1200, False)
    assert weigh(saved((40, 30), kind)).bytes == 1200 * BYTES_A_PIXEL


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "JPEG2000"])
def test_a_format_whose_header_bounds_nothing_is_worked_on_apart(kind: str) -> None:
    assert weigh(saved((40, 30), kind)) == Weight(1200, True)


def test_a_large_photo_is_worked_on_apart_and_nothing_is_decoded() -> None:
    large = saved((5000, 4000), "PNG")
    assert weigh(large) == Weight(20_000_000, True)
    assert weigh(large[:60]) == Weight(20_000_000, True), "the header alone says so"
    assert weigh_levels(np.empty((1, APART_PIXELS, 3), np.uint8)) == Weight(APART_PIXELS, False)
    assert weigh_levels(np.empty((2, APART_PIXELS, 3), np.uint8)) == Weight(2 * APART_PIXELS, True)


def with_scans(photo: bytes, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan comes again and again."""
    last = photo.rindex(b"\xff\xda")
    return photo[:last] + photo[last:-2] * scans + b"\xff\xd9"


def test_a_jpeg_of_many_scans_is_worked_on_apart() -> None:
    usual = saved((1000, 800), "JPEG", progressive=True)
    assert weigh(usual) == Weight(800_000, False)
    assert weigh(with_scans(usual, 1000)) == Weight(800_000, True)
    assert decode(usual).shape == (800, 1000, 3)


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff nothing", b"\x89PNG\r\n\x1a\n" + bytes(9), b"II*\0"])
def test_what_has_no_header_weighs_nothing(data: bytes) -> None:
    assert weigh(data).pixels == 0
