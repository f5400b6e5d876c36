"""AVIFs by the zeros in their coded pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.photos.test_truncation import whole
from visionft.errors import PhotoError
from visionft.photos import boxes, decode
from visionft.photos.avif import check


def test_an_avif_of_countless_boxes_or_extents_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = whole(shared, "avif")
    with monkeypatch.context() as patched:
        patched.setattr(boxes, "MAX_BOXES", 2)
        with pytest.raises(PhotoError, match="more than 2 boxes"):
            decode(data)
    monkeypatch.setattr(boxes, "MAX_EXTENTS", 0)
    with pytest.raises(PhotoError, match="more than 0 extents"):
        decode(data)


def test_boxes_that_promise_more_than_there_is_are_truncated_or_damaged() -> None:
    file = BytesIO()
    levels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(levels).save(file, "AVIF", quality=90)
    data = file.getvalue()
    check(data)
    with pytest.raises(PhotoError, match="truncated"):
        check(data[:-10])
    middle = len(data) * 3 // 4
    with pytest.raises(PhotoError, match="a part is missing"):
        check(data[: middle - 150] + bytes(300) + data[middle + 150 :])
    with pytest.raises(PhotoError, match="damaged"):
        check(b"\0\0\0\2ftyp" + data[8:])


def test_a_file_without_boxes_says_nothing() -> None:
    check(b"")
    check(b"\0" * 7)
