"""Boxes of AVIF and HEIC: what they say of items, and bounds on what is read of hostile ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import PhotoError
from visionft.photos import boxes
from visionft.photos.boxes import Fields, Items, boxes_of, top_boxes

TURNED = Path(__file__).with_name("heic") / "turned_6.heic"


def test_the_items_of_a_file_are_told() -> None:
    data = TURNED.read_bytes()
    items = Items.of(data)
    assert items.primary is not None
    assert items.kinds[items.primary] == b"hvc1"
    assert items.sizes[items.primary] == (64, 64)  # as it is coded; 24 x 16 of it are shown
    assert all(0 < start < end <= len(data) for start, end in items.places[items.primary])
    assert [(kind, to) for kind, _, to in items.references] == [(b"cdsc", [items.primary])]
    assert {b"ftyp", b"meta", b"mdat"} <= top_boxes(data).keys()


def test_a_file_without_them_has_no_items() -> None:
    items = Items.of(b"\0\0\0\x0cftypheic")
    assert (items.primary, items.kinds, items.places, items.references, items.sizes) == (None, {}, {}, [], {})


def test_a_box_that_ends_before_it_begins_is_damaged() -> None:
    with pytest.raises(PhotoError, match="damaged"):
        list(boxes_of(b"\0\0\0\x03meta", 0, 8))
    with pytest.raises(PhotoError, match="damaged"):
        Fields(b"\0\1", 0, 2).read(4)


def test_countless_boxes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "MAX_BOXES", 3)
    with pytest.raises(PhotoError, match="more than 3 boxes"):
        list(boxes_of(b"\0\0\0\x08free" * 9, 0, 72))
