"""Addresses and archives become places here; all else is handed on as it is, and nothing is fetched for it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from visionft.errors import DataError, UsageError
from visionft.photos import entries, items
from visionft.settings import DataSettings, FitSettings
from visionft.workflows.remote_photos import local_asked, local_place, with_local_photos

ADDRESS = "memory://door/photos"


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("disc/1.jpg", "square/1.jpg"):
        system.pipe(f"/door/photos/{name}", name.encode())
    return system


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_settings_get_the_folder_that_the_photos_were_brought_to() -> None:
    said: list[str] = []
    settings = FitSettings(photos=Path(ADDRESS), retention=Path("here"), seed=3)
    local = with_local_photos(settings, said.append)
    assert names(local.photos) == {"disc/1.jpg", "square/1.jpg"}
    assert (local.retention, local.seed) == (Path("here"), 3)
    assert settings.photos == Path(ADDRESS)
    assert said == [f"{ADDRESS}: 2 files, 0.0 MB; 2 fetched, 0 here before"]


def test_settings_of_photos_here_are_the_same_ones(tmp_path: Path) -> None:
    settings = FitSettings(photos=tmp_path)
    assert with_local_photos(settings) is settings
    assert not (tmp_path / "cache").exists()
    assert local_place(tmp_path / "gone") == tmp_path / "gone"  # whoever reads it says that it is not there


def test_a_manifest_here_is_read_by_the_column_of_the_settings(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"path,photo,label\nx,{ADDRESS}/disc/1.jpg,disc\ny,{ADDRESS}/square/1.jpg,square\n")
    quiet = lambda _: None  # noqa: E731
    assert local_place(manifest, say=quiet) == manifest  # its column `path` has no address
    settings = FitSettings(photos=manifest, data=DataSettings(path_column="photo"))
    assert with_local_photos(settings, quiet).photos != manifest


def test_what_is_asked_about_keeps_its_order_and_its_kind(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("a.jpg", b"a")
    found = local_asked(["x.jpg", f"{ADDRESS}/disc/1.jpg", pixels, tmp_path / "more.zip"])
    assert (found[0], found[2] is pixels) == ("x.jpg", True)
    assert Path(found[1]).read_bytes() == b"disc/1.jpg"
    assert names(found[3]) == {"a.jpg"}
    assert local_asked("x.jpg") == "x.jpg"
    assert local_asked(pixels) is pixels
    assert names(local_asked(ADDRESS)) == {"disc/1.jpg", "square/1.jpg"}


def test_a_stream_is_asked_one_at_a_time() -> None:
    taken: list[str] = []

    def stream() -> Iterator[str]:
        for name in ("a.jpg", f"{ADDRESS}/disc/1.jpg"):
            taken.append(name)
            yield name

    found = iter(local_asked(stream()))
    assert taken == []
    assert next(found) == "a.jpg"
    assert taken == ["a.jpg"]
    assert Path(next(found)).name == "1.jpg"


def test_what_cannot_be_had_is_one_sentence() -> None:
    with pytest.raises(DataError, match="memory://door/nothing"):
        local_asked("memory://door/nothing")
    with pytest.raises(UsageError, match="photos are not read from ftp://; give a folder"):
        local_asked(["ftp://door/photos"])


def test_answers_name_what_was_given_and_not_where_it_is_kept(tmp_path: Path, bucket: Any) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("disc/1.jpg", b"one")
    bucket.pipe("/door/new [2026]/disc/1.jpg", b"one")
    given = {
        ADDRESS: [f"{ADDRESS}/disc/1.jpg", f"{ADDRESS}/square/1.jpg"],
        f"{ADDRESS}/disc/1.jpg": [f"{ADDRESS}/disc/1.jpg"],
        f"{ADDRESS}/*/1.jpg": [f"{ADDRESS}/disc/1.jpg", f"{ADDRESS}/square/1.jpg"],
        "memory://door/new [2026]": ["memory://door/new [2026]/disc/1.jpg"],
        str(tmp_path / "photos.zip"): [f"{tmp_path / 'photos.zip'}/disc/1.jpg"],
    }
    for place, wanted in given.items():
        listed = list(items([local_asked(place, called=True)]))
        assert [item.name for item in listed] == wanted
        assert next(iter(entries(local_asked(place, called=True)))).name == wanted[0]
        assert Path(os.fspath(local_asked(place, called=True))).exists()
    assert local_asked("here.jpg", called=True) == "here.jpg"
    assert [item.named for item in items(local_asked([f"{ADDRESS}/disc/1.jpg", ADDRESS], called=True))] == [
        True,
        False,
        False,
    ]
