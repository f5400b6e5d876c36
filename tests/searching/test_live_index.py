"""An index in a server: what a writer changes is seen by the next question, pictures are of its photos alone."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.searching.making import catalogue, indexed, listed, photo
from visionft.errors import PhotoError, SearchIndexError, UsageError
from visionft.searching.live_index import PICTURE, LiveIndex

RED = np.array([250.0, 0.0, 0.0], np.float32)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos")))
    return tmp_path


def best(index: LiveIndex, **wanted: Any) -> dict[str, Any]:
    (row,) = index.find(["q"], [RED], **wanted)["queries"]
    found: dict[str, Any] = row["hits"][0]
    return found


def test_what_a_writer_adds_changes_and_removes_is_seen(place: Path) -> None:
    index = LiveIndex(place / "index")
    assert best(index)["path"] == "c0/0.png"
    photo(place / "photos" / "c0" / "red.png", (250, 0, 0))
    indexed(place / "index", listed(place / "photos"))
    assert best(index)["path"] == "c0/red.png"
    assert best(index, per_product=True)["path"] == "c0/red.png"
    indexed(place / "index", listed(place / "photos", {"colour": {"c0/red.png": "red"}}))
    assert best(index, where="colour = 'red'")["colour"] == "red"
    (place / "photos" / "c0" / "red.png").unlink()
    indexed(place / "index", listed(place / "photos"))
    assert best(index)["path"] == "c0/0.png"
    assert index.about()["photos"] == 20


def test_an_index_that_was_made_anew_takes_its_place(place: Path) -> None:
    index = LiveIndex(place / "index")
    shutil.rmtree(place / "index")
    with pytest.raises(SearchIndexError, match="there is no index"):
        best(index)
    for path in sorted((place / "photos").rglob("*.png"))[5:]:
        path.unlink()
    indexed(place / "index", listed(place / "photos"))
    assert index.about()["photos"] == 5


def test_a_folder_that_cannot_be_written_is_looked_at_again_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = os.access
    closed = lambda path, mode: mode != os.W_OK and access(path, mode)  # noqa: E731
    with monkeypatch.context() as as_another_user:
        as_another_user.setattr(os, "access", closed)
        index = LiveIndex(place / "index")
        assert best(index)["path"] == "c0/0.png"
    photo(place / "photos" / "c0" / "red.png", (250, 0, 0))
    indexed(place / "index", listed(place / "photos"))
    monkeypatch.setattr(os, "access", closed)
    assert best(index)["path"] == "c0/red.png"
    assert index.about()["photos"] == 21


def test_a_picture_of_too_many_pixels_is_refused(place: Path) -> None:
    with pytest.raises(PhotoError, match="pixels"):
        LiveIndex(place / "index", max_pixels=15).picture("c0/0.png")
    assert LiveIndex(place / "index", max_pixels=16).picture("c0/0.png") is not None


def test_threads_take_turns(place: Path) -> None:
    index = LiveIndex(place / "index")
    alone = [index.find(["q"], [RED * share], top=4)["queries"] for share in (0.1, 1.0)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda at: index.find(["q"], [RED * (0.1, 1.0)[at % 2]], top=4)["queries"], range(64)))
    assert found == alone * 32


def test_photos_without_an_embedding_keep_their_place(place: Path) -> None:
    found = LiveIndex(place / "index").find(["a", "b", "c"], ["no photo", RED, 0 * RED], top=1)
    assert [row["problem"] for row in found["queries"]] == [
        "no photo", None, "its embedding has no direction: the network answers it with zeros",
    ]  # fmt: skip


def test_pictures_are_small_and_of_indexed_photos_alone(place: Path) -> None:
    big = place / "photos" / "c9" / "big.png"
    big.parent.mkdir()
    Image.new("RGB", (900, 300), (10, 200, 30)).save(big)
    (place / "secret.png").write_bytes(big.read_bytes())
    indexed(place / "index", listed(place / "photos"))
    index = LiveIndex(place / "index")
    small = index.picture("c9/big.png")
    assert small is not None
    with Image.open(BytesIO(small)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (PICTURE, round(PICTURE * 300 / 900))
    for path in ("../secret.png", str(place / "secret.png"), "c9/none.png", "", "c9\0"):
        assert index.picture(path) is None
    big.unlink()
    with pytest.raises(PhotoError, match="no such file"):
        index.picture("c9/big.png")


def test_photos_may_have_moved(place: Path) -> None:
    shutil.move(place / "photos", place / "moved")
    assert LiveIndex(place / "index", place / "moved").picture("c0/0.png") is not None
    with pytest.raises(PhotoError, match="no such file"):
        LiveIndex(place / "index").picture("c0/0.png")
    with pytest.raises(UsageError, match=r"^--photos: there is no folder .*/nowhere; give the one that the photos"):
        LiveIndex(place / "index", place / "nowhere")
