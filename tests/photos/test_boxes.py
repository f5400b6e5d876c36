"""Boxes made by hand: every number of them is known, and every cut is one sentence."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from visionft.errors import PhotoError
from visionft.photos import boxes
from visionft.photos.boxes import Fields, Items, boxes_of, top_boxes


def box(kind: bytes, contents: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(contents), kind) + contents


def full(kind: bytes, version: int, contents: bytes, flags: int = 0) -> bytes:
    """Return a box whose contents begin with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags) + contents)


def numbers(layout: str, *values: int) -> bytes:
    return struct.pack(">" + layout, *values)


def infe(item: int, kind: bytes, version: int = 2) -> bytes:
    return full(b"infe", version, numbers("HH" if version == 2 else "IH", item, 0) + kind + b"\0")


PROPERTIES = box(
    b"iprp",
    box(b"ipco", box(b"irot", b"\1") + full(b"ispe", 0, numbers("II", 640, 480)))
    + full(b"ipma", 0, numbers("I", 1) + numbers("HBBB", 7, 2, 1, 0x80 | 2)),
)
META = full(
    b"meta",
    0,
    full(b"pitm", 0, numbers("H", 7))
    + full(b"iinf", 0, numbers("H", 2) + infe(7, b"av01") + infe(8, b"Exif"))
    # Offsets and lengths of 4 bytes, no base: item 7 of two extents.
    + full(b"iloc", 0, numbers("BBH", 0x44, 0, 1) + numbers("HHHIIII", 7, 0, 2, 100, 20, 200, 5))
    + full(b"iref", 0, box(b"cdsc", numbers("HHHH", 8, 2, 7, 9)))
    + PROPERTIES,
)
FILE = box(b"ftyp", b"avif") + META


def refusal(data: bytes) -> str | None:
    """Return why a file is refused; None where every part of it can be read."""
    try:
        items = Items.of(data)
        for part in ("primary", "kinds", "places", "references", "sizes"):
            getattr(items, part)
    except PhotoError as error:
        return error.reason
    return None


def test_every_part_of_a_file_is_what_was_written() -> None:
    items = Items.of(FILE)
    assert items.primary == 7
    assert items.kinds == {7: b"av01", 8: b"Exif"}
    assert items.places == {7: [(100, 120), (200, 205)]}
    assert items.references == [(b"cdsc", 8, [7, 9])]
    assert items.sizes == {7: (640, 480)}
    assert top_boxes(FILE) == {b"ftyp": (8, 12), b"meta": (20, len(FILE))}


def test_later_versions_have_wider_numbers() -> None:
    far = 70_000  # more than two bytes hold
    located = numbers("BBI", 0x44, 0x40, 1) + numbers("IHHIHII", far, 1, 0, 50, 1, 6, 10)
    inner = (
        full(b"pitm", 1, numbers("I", far))
        + full(b"iinf", 1, numbers("I", 1) + infe(far, b"hvc1", version=3))
        + full(b"iref", 1, box(b"dimg", numbers("IHI", far, 1, 2)))
        + full(b"iloc", 2, located)
        + box(b"idat", bytes(80))
        + box(
            b"iprp",
            box(b"ipco", full(b"ispe", 0, numbers("II", 3, 4)))
            + full(b"ipma", 1, numbers("IIBH", 1, far, 1, 0x8001), 1),
        )
    )
    data = full(b"meta", 0, inner)
    items = Items.of(data)
    assert items.primary == far
    assert items.kinds == {far: b"hvc1"}
    assert items.references == [(b"dimg", far, [2])]
    first = data.index(b"idat") + 4 + 50 + 6  # counted from where idat begins, behind the base
    assert items.places == {far: [(first, first + 10)]}
    assert items.sizes == {far: (3, 4)}


def test_a_file_without_items_has_none() -> None:
    items = Items.of(box(b"ftyp", b"avif"))
    assert (items.primary, items.kinds, items.places, items.references, items.sizes) == (None, {}, {}, [], {})


def test_a_box_may_state_a_wide_length_or_run_to_the_end() -> None:
    wide = numbers("I", 1) + b"mdat" + numbers("Q", 16 + 3) + b"abc"
    rest = numbers("I", 0) + b"free" + b"defg"
    data = wide + rest
    assert list(boxes_of(data, 0, len(data))) == [(b"mdat", 16, 19), (b"free", 27, len(data))]


@pytest.mark.parametrize(
    ("data", "end", "reason"),
    [
        (numbers("I", 7) + b"free", 8, "damaged"),  # shorter than its own head
        (numbers("I", 1) + b"free" + numbers("Q", 9), 16, "damaged"),
        (numbers("I", 1) + b"free" + b"\0\0", 10, "truncated"),
        (numbers("I", 8) + b"fr", 8, "truncated"),  # the room says that there is more than the file has
        (box(b"free") * 2, 16, "more than 1 boxes"),
    ],
)
def test_boxes_that_cannot_be_are_refused(data: bytes, end: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "MAX_BOXES", 1 if reason.startswith("more") else 10)
    with pytest.raises(PhotoError, match=reason):
        list(boxes_of(data, 0, end))


def test_a_number_ends_where_its_box_or_its_file_ends() -> None:
    fields = Fields(b"\1\2\3\4", 0, 4)
    assert (fields.read(2), fields.read(0), fields.read(1)) == (0x0102, 0, 3)
    with pytest.raises(PhotoError, match="damaged"):
        fields.read(2)
    with pytest.raises(PhotoError, match="truncated"):
        Fields(b"\1\2\3", 0, 8).read(4)  # never read as the short number 0x010203


@pytest.mark.parametrize("length", range(len(FILE)))
def test_a_file_cut_anywhere_is_read_or_refused_as_a_photo(length: int) -> None:
    assert refusal(FILE[:length]) in (None, "truncated", "damaged")


def test_a_file_with_any_byte_changed_is_read_or_refused_as_a_photo() -> None:
    for at in range(len(FILE)):
        for value in (0, 1, 0x7F, 0xFF):
            said = refusal(FILE[:at] + bytes([value]) + FILE[at + 1 :])
            assert said in (None, "truncated", "damaged"), at


def test_a_meta_box_that_ends_within_a_part_is_truncated() -> None:
    whole = full(b"meta", 0, full(b"iloc", 0, b""))
    with pytest.raises(PhotoError, match="truncated"):
        _ = Items.of(whole).places


def test_extents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "MAX_EXTENTS", 1)
    for part in ("places", "references"):
        with pytest.raises(PhotoError, match="more than 1 extents"):
            getattr(Items.of(FILE), part)


def test_the_items_of_a_file_of_a_telephone_are_told() -> None:
    data = Path(__file__).with_name("heic").joinpath("turned_6.heic").read_bytes()
    items = Items.of(data)
    assert items.primary is not None
    assert items.kinds[items.primary] == b"hvc1"
    assert items.sizes[items.primary] == (64, 64)  # as it is coded; 24 x 16 of it are shown
    assert all(0 < start < end <= len(data) for start, end in items.places[items.primary])
    assert [(kind, to) for kind, _, to in items.references] == [(b"cdsc", [items.primary])]
