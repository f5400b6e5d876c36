"""Shards of webdataset: photos with their labels beside them become a manifest, class folders stay folders."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import pytest

from visionft.errors import DataError
from visionft.remote.local_copy import local_copy


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))


def shard(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def put(name: str, data: bytes) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe(f"/{name}", data)


def rows(manifest: Path) -> list[tuple[str, ...]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)]


def test_labels_beside_photos_become_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "photos.tar").write_bytes(
        shard(
            {
                "0001.jpg": b"a",
                "0001.cls": b"3\n",
                "0002.seg.png": b"b",
                "0002.json": json.dumps({"label": "hat"}).encode(),
            }
        )
    )
    manifest = local_copy(tmp_path / "photos.tar")
    assert manifest.name == "manifest.csv"
    assert rows(manifest) == [("path", "label"), ("0001.jpg", "3"), ("0002.seg.png", "hat")]
    assert (manifest.parent / "0001.jpg").read_bytes() == b"a"


@pytest.mark.parametrize("place", ["memory://wds/s-{000..001}.tar", "memory://wds/s-*.tar", "memory://wds"])
def test_several_shards_are_one_manifest_and_may_repeat_names(place: str) -> None:
    put("wds/s-000.tar", shard({"1.jpg": b"a", "1.cls": b"disc"}))
    put("wds/s-001.tar", shard({"1.jpg": b"b", "1.cls": b"square"}))
    manifest = local_copy(place)
    assert rows(manifest) == [("path", "label"), ("s-000/1.jpg", "disc"), ("s-001/1.jpg", "square")]
    assert (manifest.parent / "s-001/1.jpg").read_bytes() == b"b"


def test_shards_of_class_folders_are_laid_over_each_other() -> None:
    put("cls/a-0.tar", shard({"disc/1.jpg": b"a"}))
    put("cls/a-1.tar", shard({"disc/2.jpg": b"b", "square/1.jpg": b"c"}))
    folder = local_copy("memory://cls")
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*.jpg")}
    assert found == {"disc/1.jpg", "disc/2.jpg", "square/1.jpg"}
    assert {entry.name for entry in folder.iterdir()} == {"disc", "square"}
    put("twice/a-0.tar", shard({"disc/1.jpg": b"a"}))
    put("twice/a-1.tar", shard({"disc/1.jpg": b"b"}))
    with pytest.raises(DataError, match=r"holds disc/1\.jpg in two archives: give each photo one name"):
        local_copy("memory://twice")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"1.jpg": b"a", "1.cls": b"3", "2.jpg": b"b"}, r"a label beside 1 photos and none beside 1 \(2\.jpg first\)"),
        ({"1.jpg": b"a", "1.json": b"{"}, r"the label 1\.json cannot be read: write it as UTF-8 text or JSON"),
        (
            {"1.jpg": b"a", "1.json": b'{"text": "hat"}'},
            r"1\.json holds no label: write it, in JSON below",
        ),
        ({"1.jpg": b"a", "1.json": b'{"label": null}'}, r"1\.json holds no label: write it, .* as text or number"),
        ({"1.jpg": b"a", "1.json": b'{"label": ["hat", "cap"]}'}, r"1\.json holds no label"),
        ({"1.jpg": b"a", "1.json": b"[" * 100_000}, r"the label 1\.json cannot be read"),
    ],
)
def test_labels_that_are_lacking_are_said(files: dict[str, bytes], words: str, tmp_path: Path) -> None:
    (tmp_path / "photos.tar").write_bytes(shard(files))
    with pytest.raises(DataError, match=words):
        local_copy(tmp_path / "photos.tar")


def test_archives_called_like_the_classes_in_them_are_laid_over_each_other_too() -> None:
    put("each/disc.tar", shard({"disc/1.jpg": b"a", "disc/2.jpg": b"b"}))
    put("each/square.tar", shard({"square/1.jpg": b"c"}))
    folder = local_copy("memory://each")
    found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert found == {"disc/1.jpg": b"a", "disc/2.jpg": b"b", "square/1.jpg": b"c"}
    assert {entry.name for entry in folder.parent.iterdir()} == {"each", "in-use", "origin.json"}
    put("odd/a.tar", shard({"disc": b"a file"}))
    put("odd/b.tar", shard({"disc/1.jpg": b"a"}))
    with pytest.raises(DataError, match=r"holds disc/1\.jpg in two archives"):
        local_copy("memory://odd")


def test_archives_of_one_name_in_two_folders_stay_apart() -> None:
    put("apart/train/0.tar", shard({"1.jpg": b"a", "1.cls": b"disc"}))
    put("apart/test/0.tar", shard({"1.jpg": b"b", "1.cls": b"square"}))
    manifest = local_copy("memory://apart")
    assert rows(manifest)[1:] == [("test/0/1.jpg", "square"), ("train/0/1.jpg", "disc")]
    assert (manifest.parent / "train/0/1.jpg").read_bytes() == b"a"
    for ending in ("tar", "tar.gz"):
        put(f"twins/0.{ending}", shard({"1.jpg": ending.encode(), "1.cls": b"disc"}))
    assert [row[0] for row in rows(local_copy("memory://twins"))[1:]] == ["0.tar/1.jpg", "0.tar.gz/1.jpg"]


def test_what_a_system_leaves_beside_photos_needs_no_label(tmp_path: Path) -> None:
    files = {"1.jpg": b"a", "1.cls": b"disc", "._1.jpg": b"x", "__MACOSX/2.jpg": b"x"}
    (tmp_path / "photos.tar").write_bytes(shard(files))
    assert rows(local_copy(tmp_path / "photos.tar"))[1:] == [("1.jpg", "disc")]
