"""Addresses become folders of the cache: whole, kept by version, bounded, and the same on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

from visionft.errors import DataError
from visionft.remote.local_copy import local_copy, origin_of


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("disc/1.jpg", "disc/2.jpg", "square/1.jpg", "notes.md", ".hidden/x.jpg"):
        system.pipe(f"/shop/photos/{name}", name.encode())
    return system


def found(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_prefix_is_a_folder_of_its_photos_and_is_fetched_once() -> None:
    said: list[str] = []
    folder = local_copy("memory://shop/photos", say=said.append)
    assert folder.name == "photos"
    assert sorted(found(folder)) == [".hidden/x.jpg", "disc/1.jpg", "disc/2.jpg", "square/1.jpg"]
    assert local_copy("memory://shop/photos", say=said.append) == folder
    assert said[0] == "note: 1 file of memory://shop/photos is not fetched, by the ending: notes.md"
    assert said[1] == "memory://shop/photos: 4 files, 0.0 MB; 4 fetched, 0 here before"
    assert said[3] == "memory://shop/photos: 4 files, 0.0 MB; 0 fetched, 4 here before"
    origin = origin_of(folder)
    assert origin is not None
    assert {name: origin[name] for name in ("address", "files")} == {"address": "memory://shop/photos", "files": 4}
    assert origin_of(folder / "disc") == origin
    assert origin_of(folder.parents[2]) is None


def test_what_changed_there_is_fetched_alone_and_is_another_folder(memory: Any) -> None:
    said: list[str] = []
    first = local_copy("memory://shop/photos", say=said.append)
    memory.pipe("/shop/photos/disc/1.jpg", b"another photo")
    memory.rm("/shop/photos/square/1.jpg")
    second = local_copy("memory://shop/photos", say=said.append)
    assert said[-1].endswith("1 fetched, 2 here before")
    assert found(first)["disc/1.jpg"] == b"disc/1.jpg"
    assert found(second) == {
        "disc/1.jpg": b"another photo",
        "disc/2.jpg": b"disc/2.jpg",
        ".hidden/x.jpg": b".hidden/x.jpg",
    }
    assert first.name == second.name


def test_one_photo_and_a_pattern_are_what_they_name() -> None:
    assert local_copy("memory://shop/photos/disc/1.jpg").read_bytes() == b"disc/1.jpg"
    assert sorted(found(local_copy("memory://shop/photos/disc/*.jpg"))) == ["1.jpg", "2.jpg"]


def test_a_manifest_of_paths_and_a_folder_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text("path,label\na.jpg,disc\n", encoding="utf-8")
    assert local_copy(tmp_path / "photos.csv") == tmp_path / "photos.csv"
    assert local_copy(tmp_path) == tmp_path


def test_a_prefix_without_photos_is_refused(memory: Any) -> None:
    memory.pipe("/texts/notes.md", b"x")
    with pytest.raises(DataError, match=r"memory://texts holds no photo among 1 file \(notes\.md first\)"):
        local_copy("memory://texts")
    with pytest.raises(DataError, match="there is no memory://nowhere"):
        local_copy("memory://nowhere")
