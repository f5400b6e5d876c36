"""HEIC: turned by its own boxes alone, whole or refused, within bounds; grids and hostile files are built here."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from visionft.errors import PhotoError
from visionft.photos import boxes, decode, encoding_of, heic, size_of
from visionft.photos.boxes import Items
from visionft.photos.zero_runs import REASON
from visionft.serving.decode_cost import weigh

FILES = Path(__file__).with_name("heic")
LEVELS = (np.mgrid[0:16, 0:24].sum(0) * 6 % 256).astype(np.uint8)
COLOURS = np.stack([LEVELS, LEVELS[::-1], 255 - LEVELS], -1)
TILE = np.tile(COLOURS, (4, 3, 1))[:64, :64]


def file(name: str) -> bytes:
    return (FILES / f"{name}.heic").read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_once_though_exif_says_it_too(orientation: int) -> None:
    picture = Image.fromarray(COLOURS)
    picture.getexif()[0x0112] = orientation
    with BytesIO() as saved:
        picture.save(saved, "PNG", exif=picture.getexif())
        wanted = np.asarray(ImageOps.exif_transpose(Image.open(saved)))
    np.testing.assert_array_equal(decode(file(f"turned_{orientation}")), wanted)
    assert size_of(file(f"turned_{orientation}")) == (64, 64)  # as coded: what is shown is a part of it, turned


def test_grey_and_alpha_are_as_in_every_format() -> None:
    np.testing.assert_array_equal(decode(file("grey")), np.repeat(LEVELS[..., None], 3, -1))
    share = LEVELS[:, ::-1].astype(np.float64)[..., None] / 255
    np.testing.assert_array_equal(decode(file("alpha")), np.rint(COLOURS * share + 255 * (1 - share)).astype(np.uint8))


@pytest.mark.parametrize("share", np.linspace(0.02, 0.999, 23))
def test_a_cut_or_a_hole_is_refused_or_cost_no_pixel(share: float) -> None:
    data = file("photo")
    pixels, at = decode(data), int(share * len(data))
    for damaged in (data[:at], data[:at] + bytes(256) + data[at + 256 :], data[:at] + bytes(len(data) - at)):
        try:
            found = decode(damaged[: len(data)])
        except PhotoError:
            continue
        np.testing.assert_array_equal(found, pixels)


def test_what_is_missing_is_said() -> None:
    data = file("photo")
    middle = len(data) // 2
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[:middle])
    with pytest.raises(PhotoError, match=REASON.partition("(")[0]):
        decode(data[:middle] + bytes(64) + data[middle + 64 :])


def test_without_pi_heif_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(PhotoError, match=r"^HEIC needs pi-heif: pip install 'visionft\[heic\]', or save it as JPEG$"):
        decode(file("photo"))


def test_a_heic_is_known_by_its_bytes_and_decoded_in_a_process_that_can_be_ended() -> None:
    assert encoding_of(file("photo")) == ".heic"
    assert weigh(file("photo")).apart
    assert weigh(file("photo")).pixels == 160 * 200


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def built(
    kinds: Sequence[bytes], contents: Sequence[bytes], references: Sequence[tuple[bytes, int, Sequence[int]]],
    sizes: Sequence[tuple[int, int]],
) -> bytes:  # fmt: skip
    """Return a HEIF whose first item is the picture; all `hvc1` have the coding of tile.heic."""
    data = file("tile")
    at = data.index(b"hvcC") - 4
    coding = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    infos = [full(b"infe", struct.pack(">HH4s", n, 0, kind), b"\0", version=2) for n, kind in enumerate(kinds, 1)]
    shapes = [full(b"ispe", struct.pack(">II", *size)) for size in sizes]
    ties = b"".join(
        struct.pack(">HBBB", n, 2, n, 0x80 | len(sizes) + 1) if kind == b"hvc1" else struct.pack(">HBB", n, 1, n)
        for n, kind in enumerate(kinds, 1)
    )
    links = [box(kind, struct.pack(f">HH{len(to)}H", of, len(to), *to)) for kind, of, to in references]

    def meta(start: int) -> bytes:
        rows, place = [], start
        for n, content in enumerate(contents, 1):
            rows.append(struct.pack(">HHHII", n, 0, 1, place, len(content)))
            place += len(content)
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", b"\x44\x00", struct.pack(">H", len(rows)), *rows),
            full(b"iinf", struct.pack(">H", len(infos)), *infos),
            *([full(b"iref", *links)] if links else []),
            box(b"iprp", box(b"ipco", *shapes, coding), full(b"ipma", struct.pack(">I", len(kinds)), ties)),
        )

    brand = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    return brand + meta(len(brand) + len(meta(0)) + 8) + box(b"mdat", *contents)


def coded() -> bytes:
    items = Items.of(file("tile"))
    assert items.primary is not None
    return b"".join(file("tile")[start:end] for start, end in items.places[items.primary])


def grid(rows: int, columns: int, width: int, height: int, tile: tuple[int, int] = (64, 64)) -> bytes:
    """Return a grid of one tile, repeated; `tile` is the size that it states."""
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    number = rows * columns if rows * columns < 10 else 1  # libheif refuses one item twice, of which others are tests
    tiles = [2 + n % number for n in range(rows * columns)]
    kinds, contents = [b"grid"] + [b"hvc1"] * number, [layout] + [coded()] * number
    return built(kinds, contents, [(b"dimg", 1, tiles)], [(width, height)] + [tile] * number)


def test_tiles_become_one_picture() -> None:
    wanted: NDArray[np.uint8] = np.tile(TILE, (2, 3, 1))[:100, :150]
    np.testing.assert_array_equal(decode(grid(2, 3, 150, 100)), wanted)


def test_tiles_of_far_more_pixels_than_the_picture_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(PhotoError, match="too many pixels in its tiles"):
        decode(grid(200, 200, 64, 64), max_pixels=1_000_000)
    with pytest.raises(PhotoError, match="too many pixels"):
        decode(grid(100, 100, 6400, 6400), max_pixels=1_000_000)


def test_a_frame_that_is_larger_than_the_file_says_is_refused() -> None:
    large = bytearray(file("large"))
    at = large.index(b"ispe") + 8
    large[at : at + 8] = struct.pack(">II", 64, 64)
    with pytest.raises(PhotoError):
        decode(bytes(large))


@pytest.mark.parametrize("kind", [b"iovl", b"iden", b"jpeg", b"av01"])
def test_overlays_and_other_codings_are_refused_by_name(kind: bytes) -> None:
    data = built([kind, b"hvc1"], [bytes(12), coded()], [(b"dimg", 1, [2] * 500)], [(64, 64), (64, 64)])
    with pytest.raises(PhotoError, match="an HEIF that is no single HEVC picture: save it as JPEG"):
        decode(data)


def test_grids_within_grids_and_an_alpha_that_is_an_overlay_are_refused() -> None:
    layout = struct.pack(">BBBBHH", 0, 0, 0, 0, 64, 64)
    nested = built(
        [b"grid", b"grid", b"hvc1"], [layout, layout, coded()], [(b"dimg", 1, [2]), (b"dimg", 2, [3])], [(64, 64)] * 3
    )
    alpha = built(
        [b"hvc1", b"iovl", b"hvc1"],
        [coded(), bytes(12), coded()],
        [(b"auxl", 2, [1]), (b"dimg", 2, [3] * 9)],
        [(64, 64)] * 3,
    )
    for data in (nested, alpha):
        with pytest.raises(PhotoError, match=heic.FOREIGN):
            decode(data)


def test_countless_tiles_and_references_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(heic, "MAX_TILES", 3)
        with pytest.raises(PhotoError, match="more than 3 tiles"):
            decode(grid(2, 2, 100, 100))
    monkeypatch.setattr(boxes, "MAX_EXTENTS", 3)
    with pytest.raises(PhotoError, match="more than 3 extents"):
        decode(grid(2, 2, 100, 100))


def test_a_file_without_a_picture_is_refused() -> None:
    with pytest.raises(PhotoError, match=heic.FOREIGN):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


def test_bytes_at_random_never_raise_another_error() -> None:
    random, data = np.random.default_rng(0), file("turned_6")
    for _ in range(300):
        spoiled = bytearray(data)
        for at in random.integers(8, len(data), 3):
            spoiled[at] = random.integers(256)
        try:
            decode(bytes(spoiled), max_pixels=100_000)
        except PhotoError:
            continue
