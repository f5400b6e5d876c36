"""Photos from memory are in files without loss, once each, at a place that their content decides."""

from __future__ import annotations

import io
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from visionft.data import KeptTable, keep_table, memory_rows
from visionft.data.caches import cache_folder, inventory, photo_store
from visionft.data.sources.manifest_table import read_manifest
from visionft.errors import DataError
from visionft.photos import read
from visionft.settings import DataSettings


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "photos"


def kept(photos: Any, **settings: Any) -> KeptTable:
    data = DataSettings(**settings)
    return keep_table(memory_rows(photos, data), data, lambda *_: None)


def pixels(seed: int = 0, size: int = 20) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (size, size + 3, 3), dtype=np.uint8)


def jpeg(seed: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, "JPEG")
    return file.getvalue()


def test_pictures_arrays_and_tensors_keep_every_level_and_bytes_stay_as_they_are() -> None:
    data, array = jpeg(), pixels(1)
    photos = [
        data,
        Image.open(io.BytesIO(data)),
        Image.fromarray(array),
        array,
        torch.from_numpy(array).permute(2, 0, 1),
    ]
    folder = kept([(photo, "a") for photo in photos]).manifest.parent
    assert [(folder / f"{row:07}.jpg").read_bytes() for row in (0, 1)] == [data, data]
    assert all(np.array_equal(read(folder / f"{row:07}.png"), array) for row in (2, 3, 4))


def test_the_same_rows_come_to_the_same_place_and_others_to_another(place: Path) -> None:
    rows = [(jpeg(0), "a"), (pixels(1), "b")]
    first = kept(rows)
    numbers = {file.name: file.stat().st_ino for file in first.manifest.parent.iterdir()}
    assert kept(iter(rows)) == first
    assert {file.name: file.stat().st_ino for file in first.manifest.parent.iterdir()} == numbers
    others = [rows[::-1], [(jpeg(0), "b"), rows[1]], [rows[0], (pixels(2), "b")]]
    assert len({first.manifest, *(kept(other).manifest for other in others)}) == 4
    assert len([file for file in (place / "files").rglob("*") if file.is_file()]) == 3
    assert {entry.name.partition("-")[0] for entry in place.iterdir()} == {"files", "table"}


def test_a_damaged_table_is_written_again() -> None:
    rows = [(jpeg(0), "a"), (jpeg(1), "b")]
    first = kept(rows)
    (first.manifest.parent / "0000001.jpg").unlink()
    assert kept(rows).manifest.with_name("0000001.jpg").read_bytes() == jpeg(1)


def test_the_manifest_says_what_the_rows_said(tmp_path: Path) -> None:
    photos = {
        "shot": [jpeg(), "photos/a.jpg", None, tmp_path / "b.jpg", {"bytes": None, "path": "/c.jpg"}, jpeg(2)],
        "kind": ["a", "b", "a", None, "b", "a"],
        "group": [1, 2, 3, 4, 5, 1],
    }
    names = DataSettings(path_column="shot", label_column="kind")
    found = kept(photos, **names.model_dump(include={"path_column", "label_column"}))
    listing = read_manifest(found.manifest, names)
    assert {tuple(row.values()) for row in listing.table.select(["path", "label", "group"]).to_pylist()} == {
        ("/c.jpg", "b", "5"),
        ("0000000.jpg", "a", "1"),
        ("0000005.jpg", "a", "1"),
        (str(Path("photos/a.jpg").absolute()), "b", "2"),
    }
    assert [item.reason for item in listing.quarantine] == ["no path in the manifest", "no label in the manifest"]
    assert (found.rows, found.held) == (6, 2)


def test_it_is_said_where_they_are_and_how_large() -> None:
    found = kept([(jpeg(), "a"), (jpeg(1), "b")])
    megabytes = (len(jpeg()) + len(jpeg(1))) / 1e6
    assert str(found) == f"2 photos from memory ({megabytes:.1f} MB): in {found.manifest.parent}"
    assert str(kept([("a.jpg", "a")])).startswith("1 row from memory, with paths of photos: listed in ")


def test_broken_bytes_are_kept_for_the_quarantine_and_addresses_for_their_refusal() -> None:
    folder = kept([(b"no photo", "a"), (jpeg()[:100], "b")]).manifest.parent
    assert (folder / "0000000.bin").read_bytes() == b"no photo"
    assert (folder / "0000001.jpg").read_bytes() == jpeg()[:100]
    address = kept([("https://a.b/c.jpg", "a")])
    with pytest.raises(DataError, match=r"names 'https://a\.b/c\.jpg' .*which is no path of a file"):
        read_manifest(address.manifest, DataSettings())


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (np.zeros((4, 4, 3)), "row 1 of photos: an array of float64: give uint8 levels"),
        (np.zeros((4, 4, 2), np.uint8), r"row 1 of photos: an array of shape \(4, 4, 2\)"),
        (
            torch.zeros(3, 4, 4),
            r"a tensor of torch.float32 and shape \(3, 4, 4\): give uint8 \(C, H, W\)",
        ),
        (3, "row 1 of photos: a value of type int: give a path, a file's bytes"),
    ],
)
def test_what_is_no_photo_is_named_by_its_row_and_nothing_stays(photo: Any, words: str, place: Path) -> None:
    with pytest.raises(DataError, match=words):
        kept([(jpeg(), "a"), (photo, "b")])
    assert [entry.name for entry in place.iterdir()] == ["files"]


def test_a_place_that_cannot_be_written_is_named(place: Path) -> None:
    place.parent.mkdir()
    place.touch()
    with pytest.raises(DataError, match=r"photos from memory cannot be kept in .*VISIONFT_CACHE"):
        kept([(jpeg(), "a")])


def test_one_row_is_held_at_a_time() -> None:
    def rows() -> Iterator[tuple[NDArray[np.uint8], str]]:
        for number in range(60):
            yield np.full((200, 200, 3), number, np.uint8), str(number % 2)

    kept(rows())  # what is imported and cached on the way
    shutil.rmtree(photo_store.cache_folder.root())
    tracemalloc.start()
    kept(rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * 200 * 200 * 3


def test_the_cache_counts_them_once_and_leaves_them_when_it_is_cleared() -> None:
    found = kept([(jpeg(), "a")])
    (counted,) = [one for one in inventory.inventory() if one.name == "photos"]
    assert counted.bytes == len(jpeg()) + found.manifest.stat().st_size
    assert "runs read them" in counted.meaning
    inventory.clear()
    assert pq.read_table(found.manifest).num_rows == 1
