"""The decode table: one awkward photo and one test for each row, and the pixels it must become."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from visionft.photos import decode

LEVELS = (np.mgrid[0:24, 0:36].sum(0) * 4 % 256).astype(np.uint8)
COLOURS = np.stack([LEVELS, LEVELS[::-1], 255 - LEVELS], -1)
RGB = Image.fromarray(COLOURS)
ALPHA = Image.fromarray(LEVELS[:, ::-1].copy())


def encoded(picture: Image.Image, kind: str, **given: Any) -> bytes:
    file = BytesIO()
    # Of copies: saving leaves an encoder's settings on a picture, and another format fails on them.
    if "append_images" in given:
        given["append_images"] = [frame.copy() for frame in given["append_images"]]
    picture.copy().save(file, kind, **given)
    return file.getvalue()


def over_white(colours: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay colours over white in exact arithmetic, rounded once."""
    share = alpha.astype(np.float64)[..., None] / 255
    return np.rint(colours * share + 255 * (1 - share)).astype(np.uint8)


def grey(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(levels[..., None], 3, -1)


def same(data: bytes, wanted: NDArray[np.uint8], within: int = 0) -> None:
    pixels = decode(data)
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype(int) - wanted).max() <= within


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG2000"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    same(encoded(RGB, kind, **({"lossless": True} if kind == "WEBP" else {})), COLOURS)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_are_pils(kind: str) -> None:
    data = encoded(RGB, kind)
    same(data, np.asarray(Image.open(BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_turned(orientation: int, kind: str) -> None:
    data = encoded(RGB, kind, exif=exif(orientation))
    same(data, np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("RGB")))
    assert decode(data).shape[:2] == ((24, 36) if orientation < 5 else (36, 24))


def test_a_photo_lying_on_its_side_stands_up() -> None:
    # The camera's row 0 is the scene's right side: EXIF 6 asks for a quarter turn clockwise.
    same(encoded(Image.fromarray(np.rot90(COLOURS).copy()), "PNG", exif=exif(6)), COLOURS)


@pytest.mark.parametrize("orientation", [0, 9, 4000])
def test_an_impossible_orientation_is_ignored(orientation: int) -> None:
    same(encoded(RGB, "PNG", exif=exif(orientation)), COLOURS)


def test_the_orientation_of_xmp_is_turned() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    data = encoded(RGB, "JPEG", xmp=xmp)
    upright = np.asarray(Image.open(BytesIO(encoded(RGB, "JPEG"))))
    same(data, upright[::-1, ::-1])


def test_damaged_exif_is_ignored() -> None:
    for tags in (b"Exif\0\0", b"Exif\0\0XX*\0", b"Exif\0\0II*\0\xff\xff\xff\x7f"):
        same(encoded(RGB, "JPEG", exif=tags), np.asarray(Image.open(BytesIO(encoded(RGB, "JPEG")))))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_over_white(kind: str) -> None:
    picture = RGB.copy()
    picture.putalpha(ALPHA)
    given = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    same(encoded(picture, kind, **given), over_white(COLOURS, np.asarray(ALPHA)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha_is_laid_over_white(kind: str) -> None:
    picture = Image.merge("LA", (Image.fromarray(LEVELS), ALPHA))
    same(encoded(picture, kind), over_white(grey(LEVELS), np.asarray(ALPHA)))


def test_a_palette_is_its_colours() -> None:
    palette = RGB.quantize(16)
    same(encoded(palette, "PNG"), np.asarray(palette.convert("RGB")))
    same(encoded(palette, "GIF"), np.asarray(palette.convert("RGB")))


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    palette = RGB.quantize(16)
    indices = np.asarray(palette)
    wanted = np.asarray(palette.convert("RGB")).copy()
    wanted[indices == 3] = 255
    assert (indices == 3).any()
    same(encoded(palette, "PNG", transparency=3), wanted)
    same(encoded(palette, "GIF", transparency=3), wanted)


def test_a_palette_with_alpha_is_laid_over_white() -> None:
    palette = RGB.quantize(16)
    alphas = np.arange(0, 256, 17, dtype=np.uint8)
    wanted = over_white(np.asarray(palette.convert("RGB")), alphas[np.asarray(palette)])
    same(encoded(palette, "PNG", transparency=alphas.tobytes()), wanted)


def test_a_transparent_colour_of_rgb_and_of_grey_is_white() -> None:
    wanted = COLOURS.copy()
    wanted[(COLOURS[5, 5] == COLOURS).all(-1)] = 255
    same(encoded(RGB, "PNG", transparency=tuple(COLOURS[5, 5].tolist())), wanted)
    wanted = grey(np.where(LEVELS == 40, 255, LEVELS).astype(np.uint8))
    same(encoded(Image.fromarray(LEVELS), "PNG", transparency=40), wanted)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_grey_is_the_same_in_every_channel(kind: str) -> None:
    same(encoded(Image.fromarray(LEVELS), kind), grey(LEVELS))


def test_a_grey_jpeg_is_grey() -> None:
    data = encoded(Image.fromarray(LEVELS), "JPEG")
    same(data, grey(np.asarray(Image.open(BytesIO(data)))))


def test_black_and_white_is_0_and_255() -> None:
    for kind in ("PNG", "TIFF", "BMP"):
        same(encoded(Image.fromarray(LEVELS > 99), kind), grey(np.where(LEVELS > 99, 255, 0).astype(np.uint8)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_over_its_whole_range(kind: str) -> None:
    deep = np.linspace(0, 65535, 24 * 36).astype(np.uint16).reshape(24, 36)
    same(encoded(Image.fromarray(deep), kind), grey(np.rint(deep / 257).astype(np.uint8)))


def test_16_bit_grey_of_the_other_byte_order_is_scaled_too() -> None:
    deep = np.linspace(0, 65535, 24 * 36).astype(">u2").reshape(24, 36)
    tags = [(256, 36), (257, 24), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 24), (279, deep.nbytes)]
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack(">H", len(tags)) + entries + b"\0" * 4
    data = b"MM\0*" + struct.pack(">I", 8 + deep.nbytes) + deep.tobytes() + directory
    same(data, grey(np.rint(deep / 257).astype(np.uint8)))


def test_16_bit_colour_is_its_high_byte() -> None:
    deep = (COLOURS.astype(int) * 256 + 200).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 36, 24, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    same(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts), COLOURS)


def test_32_bit_integers_are_8_or_16_bit_levels() -> None:
    same(encoded(Image.fromarray(LEVELS.astype(np.int32)), "TIFF"), grey(LEVELS))
    same(encoded(Image.fromarray(LEVELS.astype(np.int32) * 257), "TIFF"), grey(LEVELS))
    signed = np.where(LEVELS > 99, 70000, -5).astype(np.int32)
    same(encoded(Image.fromarray(signed), "TIFF"), grey(np.where(LEVELS > 99, 255, 0).astype(np.uint8)))


def test_32_bit_floats_are_shares_of_1_or_levels() -> None:
    same(encoded(Image.fromarray((LEVELS / 255).astype(np.float32)), "TIFF"), grey(LEVELS))
    same(encoded(Image.fromarray(LEVELS.astype(np.float32)), "TIFF"), grey(LEVELS))
    odd = np.where(LEVELS > 99, np.nan, np.inf).astype(np.float32)
    same(encoded(Image.fromarray(odd), "TIFF"), grey(np.where(LEVELS > 99, 0, 255).astype(np.uint8)))


INKS = Image.merge("CMYK", (*RGB.split(), Image.fromarray(LEVELS // 2)))
INKS_ON_PAPER = np.rint((255.0 - np.asarray(INKS)[..., :3]) * (255.0 - np.asarray(INKS)[..., 3:]) / 255)


def test_cmyk_is_ink_on_white_paper() -> None:
    same(encoded(INKS, "TIFF"), INKS_ON_PAPER.astype(np.uint8), within=1)


def test_the_inverted_cmyk_of_adobes_jpeg_is_turned_back() -> None:
    same(encoded(INKS, "JPEG", quality=100, subsampling=0), INKS_ON_PAPER.astype(np.uint8), within=12)
    unmarked = encoded(INKS, "JPEG", quality=100, subsampling=0)
    start = unmarked.index(b"\xff\xee")
    assert unmarked[start + 4 : start + 9] == b"Adobe"
    unmarked = unmarked[:start] + unmarked[start + 16 :]
    np.testing.assert_array_equal(decode(unmarked), decode(encoded(INKS, "JPEG", quality=100, subsampling=0)))


FRAMES = [RGB, Image.new("RGB", RGB.size, (9, 99, 200))]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF"])
def test_the_first_frame_is_taken(kind: str) -> None:
    given = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], **given)
    picture = Image.open(BytesIO(data))
    assert getattr(picture, "n_frames", 1) == 2
    same(data, np.asarray(picture.convert("RGB")))
    same(data, COLOURS, within={"GIF": 60, "MPO": 60, "AVIF": 60}.get(kind, 0))


def test_a_progressive_jpeg_is_the_same_photo() -> None:
    same(encoded(RGB, "JPEG", progressive=True), decode(encoded(RGB, "JPEG")))


def test_rgb_inside_a_jpeg_is_kept() -> None:
    data = encoded(RGB, "JPEG", keep_rgb=True, quality=95)
    same(data, np.asarray(Image.open(BytesIO(data))))
    same(data, COLOURS, within=40)


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
def test_other_colour_spaces_of_tiff_become_rgb(mode: str) -> None:
    if mode == "YCbCr":
        same(encoded(RGB.convert(mode), "TIFF"), COLOURS, within=3)
        return
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    same(encoded(to_lab.apply(RGB), "TIFF"), COLOURS, within=24)
