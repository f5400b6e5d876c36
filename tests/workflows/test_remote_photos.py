"""The verbs' door for photos of buckets and archives: what is here already is left as it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from visionft.settings import build
from visionft.workflows.remote_photos import local_asked, local_place, with_local_photos


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("disc/1.jpg", b"one")
    return tmp_path / "photos.zip"


def test_settings_get_the_folder_of_an_archive_and_keep_one_of_this_machine(archive: Path, tmp_path: Path) -> None:
    said: list[str] = []
    settings = with_local_photos(build(archive, None), said.append)
    assert (settings.photos / "disc/1.jpg").read_bytes() == b"one"
    assert said == [f"{archive}: 1 file unpacked"]
    here = build(tmp_path, None)
    assert with_local_photos(here, said.append) is here
    assert with_local_photos(settings, said.append) is settings


def test_what_is_asked_about_keeps_its_order_and_kind(archive: Path, tmp_path: Path) -> None:
    folder = local_place(archive)
    assert local_asked(archive) == folder
    assert local_asked([b"bytes", archive, tmp_path]) == [b"bytes", folder, tmp_path]
    assert list(local_asked(each for each in ("a.jpg", archive))) == ["a.jpg", folder]
