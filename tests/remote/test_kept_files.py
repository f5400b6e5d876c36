"""The cache is bounded: what was used longest ago goes first, and never what a process reads."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import fsspec
import pytest

from visionft.errors import DataError
from visionft.remote import kept_files
from visionft.remote.local_copy import local_copy

FILES = {"disc/1.jpg": b"one"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "remote"


def zipped(place: Path, files: dict[str, bytes], top: str = "") -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
    return place


def test_the_cache_has_a_bound_and_forgets_what_was_used_longest_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kept_files.VARIABLE, "0.000003")  # 3 kB
    archives_made = [zipped(tmp_path / f"{n}.zip", {"disc/1.jpg": bytes([n]) * 1200}) for n in range(3)]
    first = local_copy(archives_made[0])
    second = local_copy(archives_made[1])
    with pytest.raises(DataError, match="may take"):
        local_copy(zipped(tmp_path / "large.zip", {"disc/1.jpg": b"x" * 4000}))
    held = dict(kept_files._held)
    for handle in held.values():
        os.close(handle)
    kept_files._held.clear()
    os.utime(first.parent / kept_files.ORIGIN, (1, 1))
    third = local_copy(archives_made[2])
    assert not first.exists()
    assert second.exists()
    assert third.exists()


def test_what_a_process_reads_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kept_files.VARIABLE, "0.000003")
    first = local_copy(zipped(tmp_path / "1.zip", {"disc/1.jpg": b"1" * 1200}))
    local_copy(zipped(tmp_path / "2.zip", {"disc/1.jpg": b"2" * 1200}))
    local_copy(zipped(tmp_path / "3.zip", {"disc/1.jpg": b"3" * 1200}))
    assert first.exists()


def test_a_bound_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kept_files.VARIABLE, "much")
    with pytest.raises(ValueError, match=r"VISIONFT_REMOTE_GB: 'much' is no number of GB"):
        local_copy(zipped(tmp_path / "1.zip", FILES))


def test_more_than_the_cache_may_take_is_refused_before_it_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fsspec.filesystem("memory").pipe("/shop/photos/disc/1.jpg", b"a photo of more than ten bytes")
    monkeypatch.setenv(kept_files.VARIABLE, "0.00000001")
    with pytest.raises(DataError, match=r"photos from elsewhere may take .*: set \$VISIONFT_REMOTE_GB to more"):
        local_copy("memory://shop/photos")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_folder_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), kept_files.new_folder("key", {}) as folder:
        (folder / "disc" / "1.jpg").write_bytes(b"one")
    assert kept_files.kept_folder("key") is None
    with kept_files.new_folder("key", {"address": "s3://shop"}) as folder:
        (folder / "1.jpg").write_bytes(b"one")
    found = kept_files.kept_folder("key")
    assert found is not None
    assert kept_files.origin_at(found / "1.jpg") == {"address": "s3://shop"}


def test_of_two_processes_that_make_one_folder_both_find_it_whole() -> None:
    with kept_files.new_folder("key", {}) as first, kept_files.new_folder("key", {}) as second:
        for folder in (first, second):
            (folder / "1.jpg").write_bytes(b"one")
    found = kept_files.kept_folder("key")
    assert found is not None
    assert (found / "1.jpg").read_bytes() == b"one"
    assert [entry.name for entry in found.parent.iterdir()] == ["key"]
