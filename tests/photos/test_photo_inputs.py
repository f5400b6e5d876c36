"""Whatever is asked about: one item each, in its place, with the pixels that its file would have."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos import Exact, Item, is_one, items, read


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def saved(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(9, 7, 3, seed=seed)).save(path)
    return path


def reason(item: Item) -> str:
    with pytest.raises(PhotoError) as caught:
        item.load()
    return caught.value.reason


def only(asked: Any) -> Item:
    (item,) = items([asked])
    return item


def test_every_kind_of_photo_has_the_pixels_of_its_file(tmp_path: Path) -> None:
    path, truth = saved(tmp_path / "a.png"), noise(9, 7, 3)
    data = path.read_bytes()
    with path.open("rb") as file, Image.open(path) as picture:
        asked = [
            path, str(path), Exact(str(path)), data, bytearray(data), memoryview(data), io.BytesIO(data), file, picture,
            picture.copy(), truth, truth[:, ::-1][:, ::-1], np.asfortranarray(truth),
        ]  # fmt: skip
        found = list(items(asked))
    assert len(found) == len(asked)
    for item in found:
        pixels = item.load()
        assert np.array_equal(pixels, truth)
        assert pixels.flags.c_contiguous
        assert pixels.flags.writeable
    names = [str(path)] * 3 + [f"item {n}" for n in range(3, 7)] + [str(path)] * 2 + [f"item {n}" for n in range(9, 13)]
    assert [item.name for item in found] == names
    assert all(item.named for item in found)


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
@pytest.mark.parametrize("orientation", [1, 2, 6])
def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, orientation: int, ending: str, loaded: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{ending}"
    Image.fromarray(noise(4, 6, 3)).save(path, exif=exif)
    with Image.open(path) as picture:
        if loaded:
            picture.load()
        assert np.array_equal(only(picture).load(), read(path))
        assert np.array_equal(only(picture.convert("RGB")).load(), read(path))


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_a_picture_of_any_mode_is_its_file(tmp_path: Path, mode: str, loaded: bool) -> None:
    grey = Image.fromarray(noise(8, 8).astype(np.uint16) * 257) if mode == "I;16" else None
    colours = Image.fromarray(noise(8, 8, 4)).convert("RGB" if mode in ("CMYK", "YCbCr") else "RGBA")
    path = tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png")
    (grey or colours.convert(mode)).save(path)
    with Image.open(path) as opened:
        if loaded:
            opened.load()
        assert np.array_equal(only(opened).load(), read(path))


def test_a_picture_that_is_not_read_yet_is_judged_by_its_file_and_stays_usable(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png")
    with Image.open(path) as picture:
        item = only(picture)
        assert item.held == path.stat().st_size  # its bytes, decoded in a thread
        assert np.array_equal(np.array(picture), noise(9, 7, 3))
        assert np.array_equal(item.load(), noise(9, 7, 3))


def test_a_format_that_pil_alone_reads_and_a_later_frame(tmp_path: Path) -> None:
    Image.fromarray(noise(9, 7, 3)).save(tmp_path / "a.ppm")
    with Image.open(tmp_path / "a.ppm") as picture:
        assert np.array_equal(only(picture).load(), noise(9, 7, 3))
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.tif") as picture:
        assert only(picture).load()[0, 0].tolist() == [255, 0, 0]
        picture.seek(1)
        assert only(picture).load()[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (np.zeros((4, 4, 3)), "an array of float64: give uint8 levels from 0 to 255"),
        (np.zeros((4, 4, 3), np.float32), "an array of float32: give uint8 levels from 0 to 255"),
        (np.zeros((4, 4), bool), "an array of bool: give uint8 levels from 0 to 255"),
        (np.zeros((2, 4, 4, 3), np.uint8), "an array of shape (2, 4, 4, 3): give (H, W, 3), (H, W, 4) or (H, W)"),
        (np.zeros((3, 8, 8), np.uint8), "an array of shape (3, 8, 8): give (H, W, 3), (H, W, 4) or (H, W)"),
        (np.zeros((0, 8, 3), np.uint8), "an array of shape (0, 8, 3): give (H, W, 3), (H, W, 4) or (H, W)"),
        (np.uint8([7]), "an array of shape (1,): give (H, W, 3), (H, W, 4) or (H, W)"),
        (b"", "empty file"),
        (b"%PDF-1.4", "a PDF, not a photo"),
        (bytearray(b"GIF89a"), "damaged"),
        (io.BytesIO(b"PK\x03\x04"), "an archive, not a photo"),
        (io.StringIO("text"), "an open file that gives str, not bytes: open it with mode 'rb'"),
        ({}, "a value of type dict: give a path, a file's bytes, an open file, a picture of PIL or an array of uint8"),
        (3, "a value of type int: give a path, a file's bytes, an open file, a picture of PIL or an array of uint8"),
        (
            ["a.jpg"],
            "a value of type list: give a path, a file's bytes, an open file, a picture of PIL or an array of uint8",
        ),
        ("nowhere.jpg", "no such file"),
        (Path("nowhere.jpg"), "no such file"),
        ("nowhere*.jpg", "a pattern that matches nothing"),
        (Exact("nowhere*.jpg"), "no such file"),
        ("a\0b.jpg", "no such file"),
        ("x" * 5000, "no such file"),
        ("", "no such file"),
        ("\ud800.jpg", "no such file"),
    ],
    ids=lambda given: (
        type(given).__name__ if not isinstance(given, str) else given[:30].encode(errors="replace").decode()
    ),
)
def test_what_is_no_photo_is_an_item_that_says_why(asked: Any, words: str) -> None:
    assert reason(only(asked)) == words
    assert only(asked).name.encode() or asked == ""


def test_a_closed_file_and_a_truncated_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png")
    with path.open("rb") as file:
        pass
    assert reason(only(file)) == "cannot be read (ValueError)"
    half = io.BytesIO(path.read_bytes()[:150])
    assert reason(only(Image.open(half))) == "truncated"
    gone = Image.open(path)
    gone.close()
    assert reason(only(gone)) == "cannot be read (ValueError)"


def test_a_photo_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.broadcast_to(np.uint8(0), (20_001, 10_000, 3))
    assert reason(only(wide)) == "too many pixels (200,010,000; 200,000,000 are allowed)"

    class Huge(Image.Image):
        size = (20_001, 10_000)
        width, height = size

        def load(self) -> None:
            raise AssertionError("it is not loaded")

    assert reason(only(Huge())) == "too many pixels (200,010,000; 200,000,000 are allowed)"


def test_files_are_read_from_their_start_however_often_they_are_given(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(5, 5, 3)).save(buffer, "PNG")  # which leaves it at its end
    assert [np.array_equal(item.load(), noise(5, 5, 3)) for item in items([buffer, buffer])] == [True, True]


def test_files_have_their_own_names(tmp_path: Path) -> None:
    path = saved(tmp_path / "in.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "shop/hat.png")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("shop/hat.png") as member:
        item = only(member)
        assert (item.name, np.array_equal(item.load(), noise(9, 7, 3))) == ("shop/hat.png", True)
    with tempfile.TemporaryFile() as nameless:
        nameless.write(path.read_bytes())
        nameless.flush()
        assert only(nameless).name == "item 0"


def test_nothing_is_dropped_and_places_are_expanded_in_their_place(tmp_path: Path) -> None:
    a, b, c = (saved(tmp_path / "photos" / name, seed) for seed, name in enumerate(["a.png", "b.png", "deep/c.png"]))
    (tmp_path / "photos" / ".DS_Store").touch()
    (tmp_path / "empty").mkdir()
    other = noise(3, 3, 3)
    asked = [b, other, tmp_path / "photos", b, str(tmp_path / "photos" / "*.png"), tmp_path / "empty", b]
    found = list(items(asked))
    folder = [str(tmp_path / "photos" / ".DS_Store"), str(a), str(b), str(c)]
    names = [str(b), "item 1", *folder, str(b), str(a), str(b), str(tmp_path / "empty"), str(b)]
    assert [item.name for item in found] == names
    named = [True, True, False, False, False, False, True, False, False, True, True]
    assert [item.named for item in found] == named
    assert (reason(found[2]), reason(found[9])) == ("hidden file", "a folder that holds no photo")
    # A pattern that meets a folder and what is in it has each photo once.
    assert [item.name for item in items([str(tmp_path / "photos" / "**")])] == folder


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    odd, plain = saved(tmp_path / "[1].png", 1), saved(tmp_path / "1.png", 2)
    assert [item.name for item in items([odd, str(odd)])] == [str(odd)] * 2
    odd.unlink()
    assert [item.name for item in items([str(odd)])] == [str(plain)]  # a pattern in Python
    assert reason(only(Exact(str(odd)))) == "no such file"  # and never on standard input


def test_names_of_other_encodings_are_printable(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    for asked in (path, os.fsencode(path) and Exact(os.fspath(path))):
        item = only(asked)
        assert item.name.endswith(r"caf\xe9.png")
        assert item.load().shape == (9, 7, 3)


def test_a_generator_may_use_one_buffer_and_close_its_files(tmp_path: Path) -> None:
    path, buffer = saved(tmp_path / "a.png"), np.empty((9, 7, 3), np.uint8)

    def frames() -> Iterator[Any]:
        for level in (1, 2, 3):
            buffer[:] = level
            yield buffer
        with path.open("rb") as file:
            yield file
        with Image.open(path) as picture:
            yield picture

    found = list(items(frames()))
    assert [int(item.load().max()) for item in found[:3]] == [1, 2, 3]
    assert all(np.array_equal(item.load(), noise(9, 7, 3)) for item in found[3:])


def test_they_are_taken_one_at_a_time() -> None:
    taken: list[int] = []

    def frames() -> Iterator[NDArray[np.uint8]]:
        for number in range(5):
            taken.append(number)
            yield noise(2, 2, 3)

    source = items(frames())
    next(source)
    next(source)
    assert taken == [0, 1]


def test_one_is_told_from_several() -> None:
    one = [
        "a",
        Path("a"),
        b"a",
        bytearray(),
        memoryview(b""),
        io.BytesIO(),
        Image.new("L", (1, 1)),
        noise(2, 2),
        None,
        3,
    ]
    assert all(map(is_one, one))
    assert not any(map(is_one, [[], (), set(), iter([]), (x for x in "ab"), {}.keys()]))


KINDS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=8).map(lambda name: f"no such place/{name}"),
    st.integers(),
    st.none(),
    st.just(noise(2, 2, 3)),
    st.just(np.zeros((2, 2))),
    st.builds(io.BytesIO, st.binary(max_size=20)),
)


@given(st.lists(KINDS, max_size=12))
@settings(max_examples=60)
def test_whatever_is_asked_there_is_one_item_each_and_no_other_error(asked: list[Any]) -> None:
    found = list(items(asked))
    assert len(found) == len(asked)
    for item, given_ in zip(found, asked, strict=True):
        outcome = loaded(item)
        if isinstance(outcome, str):
            assert outcome
            assert "\n" not in outcome
        else:
            assert given_ is not None
            assert outcome.dtype == np.uint8


def loaded(item: Item) -> NDArray[np.uint8] | str:
    try:
        return item.load()
    except PhotoError as fault:
        return fault.reason
