"""Small pictures: of the photo as it was measured, without what its camera wrote, and within the budget."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reporting.conftest import MARK, draw
from visionft.photos import digest
from visionft.reporting.album import CHANGED, FULL, GONE, SIDE, UNKNOWN, Album, Encoded, data_uri


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    draw(tmp_path / "a.jpg", np.random.default_rng(0))
    return tmp_path / "a.jpg"


def opened(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_picture_is_small_and_has_no_metadata(photo: Path) -> None:
    assert MARK in photo.read_bytes()
    uri, why = Encoded(photo.parent).of("a.jpg")
    assert (why, uri is not None) == ("", True)
    assert uri is not None
    assert MARK not in base64.b64decode(uri.partition(",")[2])
    picture = opened(uri)
    assert picture.size == (SIDE, SIDE * 3 // 4)
    assert not picture.getexif()
    assert "exif" not in picture.info


def test_a_turned_photo_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40), "red").save(tmp_path / "turned.jpg", exif=exif)
    uri, _ = Encoded(tmp_path).of("turned.jpg")
    assert uri is not None
    assert opened(uri).size == (40, 80)


def test_the_same_pixels_give_the_same_text() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)
    assert data_uri(pixels) == data_uri(pixels.copy())


@pytest.mark.parametrize(
    ("known", "name", "why"),
    [("0" * 64, "a.jpg", CHANGED), (None, "gone.jpg", GONE), (None, "broken.jpg", "damaged")],
)
def test_what_is_not_shown_says_why(photo: Path, known: str | None, name: str, why: str) -> None:
    (photo.parent / "broken.jpg").write_bytes(photo.read_bytes()[:300])
    uri, said = Encoded(photo.parent, {name: (name, known)}).of(name)
    assert uri is None
    assert said.split()[0] in (why.split()[0], "truncated")


def test_a_photo_of_an_unknown_folder_is_told(photo: Path) -> None:
    assert Encoded(None).of("a.jpg") == (None, UNKNOWN)


def test_a_photo_as_it_was_measured_is_shown_under_its_printable_name(photo: Path) -> None:
    entry = (photo.name, digest(photo.read_bytes()))
    assert Encoded(photo.parent, {"shown so": entry}).of("shown so")[0] is not None


def test_the_budget_lets_in_what_comes_first(photo: Path) -> None:
    encoded = Encoded(photo.parent)
    uri, _ = encoded.of("a.jpg")
    assert uri is not None
    album = Album(encoded, left=len(uri) + 1)
    assert album.picture("a.jpg") == (uri, "")
    assert album.picture("a.jpg") == (None, FULL)


def test_an_album_without_pictures_opens_no_photo(photo: Path) -> None:
    encoded = Encoded(photo.parent)
    assert Album(encoded, wanted=False).picture("a.jpg") == (None, "")
    assert encoded == Encoded(photo.parent), "nothing was made"
