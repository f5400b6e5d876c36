"""Addresses become folders of the cache: whole, kept by version, bounded, and the same on every machine."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.errors import DataError, MissingExtraError
from visionft.remote import buckets, kept_files
from visionft.remote.addresses import Address
from visionft.remote.buckets import Remote
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


def test_an_interrupted_fetch_keeps_what_it_has_and_goes_on(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    get, fetched, down = type(memory).get_file, list[str](), [True]

    def breaking(self: Any, source: str, target: str, **more: Any) -> None:
        fetched.append(source)
        if len(fetched) > 2 and down:
            raise OSError("the line is down")
        get(self, source, target, **more)

    monkeypatch.setattr(buckets, "THREADS", 1)
    monkeypatch.setattr(type(memory), "get_file", breaking)
    with pytest.raises(DataError, match=r"cannot be reached \(the line is down\): look at the network; what was"):
        local_copy("memory://shop/photos")
    down.clear()
    said: list[str] = []
    local_copy("memory://shop/photos", say=said.append)
    assert said[-1].endswith("; 2 fetched, 2 here before")


def test_a_file_that_changes_while_it_is_fetched_is_not_believed(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(self: Any, source: str, target: str, **more: Any) -> None:
        Path(target).write_bytes(b"longer than it was listed")

    monkeypatch.setattr(type(memory), "get_file", longer)
    with pytest.raises(DataError, match="changed while it was fetched"):
        local_copy("memory://shop/photos")


@pytest.mark.parametrize(("kind", "ending"), [("csv", "csv"), ("parquet", "parquet")])
@pytest.mark.parametrize("there", [False, True])
def test_the_paths_of_a_manifest_become_local_ones(
    kind: str, ending: str, there: bool, tmp_path: Path, memory: Any
) -> None:
    (tmp_path / "here.jpg").write_bytes(b"here")
    names = ["memory://shop/photos/disc/1.jpg", "memory://shop/photos/gone.jpg"]
    names.append("disc/2.jpg" if there else "here.jpg")
    table = pa.table({"image": names, "label": ["disc", "=odd", "disc"]})
    place = tmp_path / f"photos.{ending}"
    if kind == "parquet":
        pq.write_table(table, place)
    else:
        rows = [("image", "label"), *zip(names, table["label"].to_pylist(), strict=True)]
        place.write_text("".join(f"{';'.join(row)}\n" for row in rows), encoding="utf-8")
    source: str | Path = place
    if there:
        memory.put_file(str(place), f"/shop/photos/all.{ending}")
        source = f"memory://shop/photos/all.{ending}"
    manifest = local_copy(source, path_column="image")
    found = pq.read_table(manifest).to_pylist() if kind == "parquet" else _rows(manifest)
    assert found[0] == {"image": "memory/shop/photos/disc/1.jpg", "label": "disc"}
    assert found[1] == {"image": "memory/shop/photos/gone.jpg", "label": "=odd"}
    assert (manifest.parent / found[2]["image"]).read_bytes() == (b"disc/2.jpg" if there else b"here")
    assert not (manifest.parent / found[1]["image"]).exists()
    assert local_copy(source, path_column="image") == manifest


def _rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_a_manifest_of_paths_and_a_folder_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text("path,label\na.jpg,disc\n", encoding="utf-8")
    assert local_copy(tmp_path / "photos.csv") == tmp_path / "photos.csv"
    assert local_copy(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("scheme", "way"),
    [("s3", r"pip install 'visionft\[remote\]'"), ("gs", "pip install gcsfs"), ("az", "pip install adlfs")],
)
def test_what_has_to_be_installed_is_said(scheme: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("no module")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(MissingExtraError, match=way):
        local_copy(f"{scheme}://shop/photos")


def test_a_prefix_without_photos_is_refused(memory: Any) -> None:
    memory.pipe("/texts/notes.md", b"x")
    with pytest.raises(DataError, match=r"memory://texts holds no photo among 1 file \(notes\.md first\)"):
        local_copy("memory://texts")
    with pytest.raises(DataError, match="there is no memory://nowhere"):
        local_copy("memory://nowhere")


def test_more_than_the_cache_may_take_is_refused_before_it_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(kept_files.VARIABLE, "0.00000001")
    with pytest.raises(DataError, match=r"photos from elsewhere may take .*: set \$VISIONFT_REMOTE_GB to more"):
        local_copy("memory://shop/photos")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_two_names_that_would_be_one_file_here_are_refused_and_none_is_lost(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/shop/photos/disc/a\\b.jpg", b"one")
    memory.pipe("/shop/photos/disc/a/b.jpg", b"two")
    with pytest.raises(DataError, match="which would be one file here: give one of them another name there"):
        local_copy("memory://shop/photos")
    table = tmp_path / "list.csv"
    names = ["memory://shop/photos/disc/a\\b.jpg", "memory://shop/photos/disc/a/b.jpg"]
    table.write_text("path,label\n" + "".join(f"{name},disc\n" for name in names), encoding="utf-8")
    with pytest.raises(DataError, match=r"two photos would have the name 'b\.jpg' in one folder on this machine"):
        local_copy(table)
    kept = sorted(file.read_bytes() for file in (tmp_path / "cache/remote/files").glob("*/*"))
    assert kept == [b"one", b"two"], "neither was written over the other"


def test_an_address_that_ends_in_two_dots_leads_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = Remote(Address("s3", "shop/../x.jpg"), 1, "v")  # a bucket may have such names
    file.place.parent.mkdir(parents=True)
    file.place.write_bytes(b"x")
    monkeypatch.setattr("visionft.remote.local_copy.find", lambda _: [file])
    with pytest.raises(DataError, match=r"^s3://shop/\.\. holds '\.\.', which is no path below a folder"):
        local_copy("s3://shop/..")
    assert list((tmp_path / "cache").rglob("x.jpg")) == []


@pytest.mark.parametrize(("name", "content"), [("all.csv", b""), ("all.parquet", b"no table")])
def test_a_manifest_there_that_cannot_be_read_is_left_to_its_reader(name: str, content: bytes, memory: Any) -> None:
    memory.pipe(f"/shop/{name}", content)
    found = local_copy(f"memory://shop/{name}")
    assert (found.name, found.read_bytes()) == (name, content)
