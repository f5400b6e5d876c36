"""What is refused, and the fast decoder against PIL; tests/photos has the decode table and the search for files."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from visionft import photos
from visionft.errors import PhotoError
from visionft.photos import contents, decode, decoder, digest, read, size_of
from visionft.photos.jpeg_segments import header


def photo(width: int = 40, height: int = 30) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    levels = np.stack([columns * 6, rows * 8, (rows + columns) * 3], -1)
    return Image.fromarray((levels % 256).astype(np.uint8))


def encoded(picture: Image.Image, kind: str, **given: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **given)
    return file.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 99))


JPEG, PNG = encoded(photo(), "JPEG", quality=90), encoded(photo(), "PNG")


NO_IMAGE = "not an image (JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF and BMP are read)"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"just a note\n", NO_IMAGE),
        (b"BM is how this note begins\n", NO_IMAGE),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page, not a photo"),
        (b"<html>", "a web page, not a photo"),
        (b"%PDF-1.7\n", "a PDF, not a photo"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing, not a photo"),
        (b"<svg/>", "an SVG drawing, not a photo"),
        (b"PK\x03\x04abc", "an archive, not a photo"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "an HEIF that is no single HEVC picture: save it as JPEG"),
        (b"\xff\xd8\xff\xe0", "truncated"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (JPEG[:20], "truncated"),
        (PNG[:20], "truncated"),
        (PNG[:50] + bytes([PNG[50] ^ 255]) + PNG[51:], "damaged"),
        (b"GIF89a", "damaged"),
        (b"\0" * 1000, NO_IMAGE),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [-3, -20, 0.9, 0.7])
def test_a_truncated_jpeg_is_refused(cut: float, progressive: bool) -> None:
    whole = encoded(photo(200, 150), "JPEG", progressive=progressive)
    part = whole[:cut] if isinstance(cut, int) else whole[: int(cut * len(whole))]
    with pytest.raises(PhotoError, match="truncated"):
        decode(part)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_any_cut_of_any_format_is_refused_or_the_whole_photo(kind: str) -> None:
    whole = encoded(photo(), kind)
    pixels = decode(whole)
    refused = 0
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        try:
            np.testing.assert_array_equal(decode(whole[:length]), pixels)
        except PhotoError:
            refused += 1
    assert refused >= 30


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_random_damage_raises_nothing_but_photo_errors(kind: str) -> None:
    whole, random, outcomes = encoded(photo(), kind), np.random.default_rng(0), set()
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(0, len(whole), 4)] = random.integers(0, 256, 4)
        try:
            outcomes.add(str(decode(damaged.tobytes(), max_pixels=10_000).dtype))
        except PhotoError as fault:
            outcomes.add(fault.reason)
    assert outcomes - {"uint8"}


def test_a_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(PhotoError, match=r"too many pixels \(10,000,000,000; 200,000,000 are allowed\)"):
        decode(png_of_size(100_000, 100_000))


def test_the_limit_on_pixels_is_ours_and_not_pils(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(JPEG, max_pixels=1200).shape == (30, 40, 3)
    with pytest.raises(PhotoError, match=r"too many pixels \(1,200; 1,199 are allowed\)"):
        decode(JPEG, max_pixels=1199)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_limit_of_pils_below_ours_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """WebP's reader looks at it by itself, where a program has set it."""
    data = encoded(photo(), "WEBP")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(PhotoError, match=r"too many pixels \(20 are allowed by PIL's MAX_IMAGE_PIXELS\)"):
        decode(data)


def test_a_lack_of_memory_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoder, "rgb", full)
    with pytest.raises(PhotoError, match="too large for the memory left"):
        decode(PNG)


def test_odd_metadata_prints_no_warning() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\xff\xff\0\0\xff\xff\0\0"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert decode(encoded(photo(), "JPEG", exif=exif)).shape == (30, 40, 3)
        assert decode(encoded(photo().quantize(8), "PNG", transparency=bytes([0] * 8))).shape == (30, 40, 3)
    assert not told


def test_pixels_are_rgb_contiguous_and_writable() -> None:
    for data in (JPEG, PNG, encoded(photo(), "JPEG", exif=turned(6))):
        pixels = decode(data)
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert pixels.flags.c_contiguous
        assert pixels.flags.writeable


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def test_200_photos_are_decoded_as_pil_does_bit_for_bit(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted((shared / "data" / "clothing" / "train").rglob("*.jpg"))[::10][:200]
    assert len(paths) == 200
    monkeypatch.setattr(decoder, "rgb", lambda *_: pytest.fail("decoded by PIL, not the fast way"))
    fast = [hashlib.sha256(read(path).tobytes()).digest() for path in paths]
    for path, ours in zip(paths, fast, strict=True):
        theirs = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        assert ours == hashlib.sha256(theirs.tobytes()).digest(), path


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("given", [{}, {"progressive": True}, {"subsampling": 0}, {"exif": turned(6)}, {"quality": 20}])
def test_the_pixels_of_a_jpeg_are_pils(given: dict[str, object], mode: str) -> None:
    data = encoded(photo(123, 77).convert(mode), "JPEG", **given)
    theirs = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(decode(data), theirs)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({}, True),
        ({"progressive": True, "comment": b"of 2024"}, True),
        ({"restart_marker_blocks": 2}, True),
        ({"exif": turned(6)}, False),
        ({"xmp": b"<x:xmpmeta/>"}, False),
        ({"icc_profile": b"x" * 200}, False),
    ],
)
def test_pil_is_left_out_where_a_jpeg_has_nothing_but_pixels(given: dict[str, object], plain: bool) -> None:
    head = header(encoded(photo(), "JPEG", **given))
    assert (head.size, head.components, head.plain) == ((30, 40), b"\1\2\3", plain)


def test_a_comment_that_looks_like_a_scan_hides_no_orientation() -> None:
    data, exif = encoded(photo(), "JPEG", exif=turned(6)), b"\xff\xe1"
    start = data.index(exif)
    comment = b"\xff\xfe" + (8).to_bytes(2, "big") + b"\xff\xda\0\x0c\0\0"
    assert not header(data[:start] + comment + data[start:]).plain
    assert decode(data[:start] + comment + data[start:]).shape == (40, 30, 3)


def test_bytes_after_the_end_of_a_jpeg_are_no_fault() -> None:
    np.testing.assert_array_equal(decode(JPEG + b"\0" * 500), decode(JPEG))


def test_threads_may_share_the_decoder() -> None:
    wanted, wrong = decode(JPEG), []
    threads = [threading.Thread(target=lambda: wrong.append((decode(JPEG) != wanted).any())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [False] * 8


def test_the_digest_is_sha256() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_bytes(PNG)
    np.testing.assert_array_equal(read(tmp_path / "photo.txt"), np.asarray(photo()))
    assert contents(tmp_path / "photo.txt") == PNG


def test_files_that_cannot_be_read_are_photo_errors(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, reason in {
        "missing.jpg": "no such file",
        ".": "a folder, not a photo",
        "pipe": "not a regular file",
        "loop": r"cannot be read \(OSError\)",
        "nul\0name": r"cannot be read \(ValueError\)",
    }.items():
        with pytest.raises(PhotoError, match=reason):
            read(tmp_path / name)


def test_no_permission_is_a_photo_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.jpg").write_bytes(JPEG)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PhotoError, match="no permission to read it"):
        read(tmp_path / "a.jpg")


def test_a_large_file_that_is_no_photo_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "film.jpg").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PhotoError, match="not an image"):
        read(tmp_path / "film.jpg")


def test_the_public_names_are_sorted_and_there() -> None:
    assert photos.__all__ == sorted(photos.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(photos, name) for name in photos.__all__)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_is_told_from_the_header_as_the_pixels_have_it(kind: str, orientation: int) -> None:
    file = BytesIO()
    exif = {"exif": turned(orientation)} if kind not in ("BMP", "GIF") else {}
    Image.new("RGB", (30, 70), "red").save(file, kind, **exif)
    assert size_of(file.getvalue()) == decode(file.getvalue()).shape[:2]


def test_the_size_of_what_is_no_photo_is_refused() -> None:
    for data in (b"", b"no photo", b"\xff\xd8\xff\xe0 cut"):
        with pytest.raises(PhotoError):
            size_of(data)
