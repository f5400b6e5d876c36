"""Addresses become folders of the cache: whole, kept by version, bounded, and the same on every machine."""

from __future__ import annotations

import csv
import errno
import io
import tarfile
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


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("shop/lot?/disc/*.jpg", ["lot1/disc/1.jpg", "lot2/disc/2.jpg"]),
        ("shop/lot[12]/**", ["lot1/disc/1.jpg", "lot2/disc/2.jpg"]),
        ("shop/lot1/dis[c]/*", ["disc/1.jpg"]),
    ],
)
def test_below_a_pattern_the_folders_before_its_first_sign_are_no_class(
    pattern: str, names: list[str], memory: Any
) -> None:
    for name in ("lot1/disc/1.jpg", "lot2/disc/2.jpg"):
        memory.pipe(f"/shop/{name}", name.encode())
    assert sorted(found(local_copy(f"memory://{pattern}"))) == names


def test_a_name_may_have_the_signs_of_a_pattern(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/shop/new [2026] {a}/disc/1.jpg", b"one")
    folder = local_copy("memory://shop/new [2026] {a}")
    assert (folder.name, found(folder)) == ("new [2026] {a}", {"disc/1.jpg": b"one"})
    assert local_copy("memory://shop/new [2026] {a}/disc/1.jpg").read_bytes() == b"one"
    table = tmp_path / "list.csv"
    table.write_text("path,label\nmemory://shop/new [2026] {a}/disc/1.jpg,disc\n", encoding="utf-8")
    assert (local_copy(table).parent / "memory/shop/new [2026] {a}/disc/1.jpg").read_bytes() == b"one"
    with pytest.raises(DataError, match=r"photos/d\* matches folders and no file: end it with /\*\*"):
        local_copy("memory://shop/photos/d*")


def test_one_table_has_a_copy_for_each_column_and_for_each_folder_that_it_lies_in(tmp_path: Path) -> None:
    rows = (
        "front,back,label\nmemory://shop/photos/disc/1.jpg,memory://shop/photos/disc/1.jpg,disc\nhere.jpg,x.jpg,disc\n"
    )
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "list.csv").write_text(rows.replace(",", ";"), encoding="utf-8")
    first = local_copy(tmp_path / "a/list.csv", path_column="front")
    other = local_copy(tmp_path / "a/list.csv", path_column="back")
    assert [row["front"] for row in _rows(first)] == ["memory/shop/photos/disc/1.jpg", str(tmp_path / "a/here.jpg")]
    assert [row["back"] for row in _rows(other)] == ["memory/shop/photos/disc/1.jpg", str(tmp_path / "a/x.jpg")]
    assert [row["front"] for row in _rows(other)] == ["memory://shop/photos/disc/1.jpg", "here.jpg"]
    moved = local_copy(tmp_path / "b/list.csv", path_column="front")
    assert _rows(moved)[1]["front"] == str(tmp_path / "b/here.jpg")


def test_a_table_of_several_folders_lists_each_once_and_leaves_out_what_is_not_there(
    memory: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed: list[str] = []
    find = buckets.find

    def noting(address: Address) -> list[Remote]:
        listed.append(address.rest)
        return find(address)

    monkeypatch.setattr(buckets, "find", noting)
    table = tmp_path / "list.csv"
    names = ["photos/disc/1.jpg", "photos/disc/2.jpg", "photos/notes.md", "nowhere/1.jpg"]
    table.write_text("path\n" + "".join(f"memory://shop/{name}\n" for name in names), encoding="utf-8")
    assert len(found(local_copy(table).parent)) == 6, "three files, the table, and what the cache writes"
    assert sorted(listed) == ["shop/nowhere", "shop/photos"]
    table.write_text("path\nmemory://shop/nowhere/1.jpg\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is no memory://shop/nowhere, or nothing in it"):
        local_copy(table)


def test_a_nearly_full_cache_keeps_the_shards_that_are_not_unpacked_yet(
    memory: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            entry = tarfile.TarInfo(f"disc/{number}.jpg")
            entry.size = 100_000
            archive.addfile(entry, io.BytesIO(bytes([number]) * entry.size))
        memory.pipe(f"/shards/{number}.tar", data.getvalue())
    monkeypatch.setenv(kept_files.VARIABLE, "0.00035")  # all three archives, and hardly more
    folder = local_copy("memory://shards")
    assert {name: data[0] for name, data in found(folder).items()} == {f"disc/{n}.jpg": n for n in range(3)}
    left = list((tmp_path / "cache/remote/files").glob("*/*"))
    assert len(left) < 3, "what was unpacked makes room for the next"
    assert list((tmp_path / "cache/remote/pins").iterdir()) == []


def test_what_an_interrupted_fetch_kept_is_not_removed_to_make_room_for_the_rest(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        memory.pipe(f"/large/disc/{number}.jpg", bytes([number]) * 100_000)
    files = buckets.find(Address("memory", "large"))
    buckets.fetch(files[:2], lambda *_: None)
    monkeypatch.setenv(kept_files.VARIABLE, "0.0003")
    said: list[str] = []
    local_copy("memory://large", say=said.append)
    assert said[-1].endswith("; 2 fetched, 2 here before")


def test_a_kept_file_of_another_length_is_fetched_again() -> None:
    [file] = buckets.find(Address("memory", "shop/photos/disc/1.jpg"))
    file.place.parent.mkdir(parents=True)
    file.place.touch()  # as after a loss of power
    assert local_copy("memory://shop/photos/disc/1.jpg").read_bytes() == b"disc/1.jpg"


@pytest.mark.parametrize("name", ["origin.json", "in-use"])
def test_a_prefix_may_be_called_like_what_the_cache_writes(name: str, memory: Any) -> None:
    memory.pipe(f"/shop/{name}/disc/1.jpg", b"one")
    assert found(local_copy(f"memory://shop/{name}")) == {"disc/1.jpg": b"one"}


def test_a_cache_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        DataError, match=r"memory://shop/photos cannot be written into the cache .*set \$VISIONFT_CACHE"
    ):
        local_copy("memory://shop/photos")


def test_a_full_disk_is_no_fault_of_the_network(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(memory), "get_file", full)
    with pytest.raises(DataError, match=r"1\.jpg cannot be written into the cache .*\(the disk is full\): make room"):
        local_copy("memory://shop/photos/disc/1.jpg")
