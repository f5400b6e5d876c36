"""Archives: unpacked whole, or refused whole; nothing leads out of the folder, and no bomb fills the disk."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from visionft.errors import DataError
from visionft.remote import archives
from visionft.remote.local_copy import local_copy, origin_of

FILES = {"disc/1.jpg": b"one", "disc/2.jpg": b"two" * 99, "square/1.jpg": b"three"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "remote"


def zipped(place: Path, files: dict[str, bytes], top: str = "") -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
    return place


def tarred(place: Path, files: dict[str, bytes], top: str = "") -> Path:
    with tarfile.open(place, "w:gz" if place.suffix == ".tgz" else "w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(top + name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return place


def found(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("name", "make"), [("photos.zip", zipped), ("photos.tar", tarred), ("photos.tgz", tarred)])
def test_an_archive_is_a_folder_of_its_name(name: str, make: Callable[..., Path], tmp_path: Path) -> None:
    said: list[str] = []
    folder = local_copy(make(tmp_path / name, FILES), say=said.append)
    assert folder.name == "photos"
    assert found(folder) == FILES
    assert local_copy(tmp_path / name, say=said.append) == folder
    assert said == [f"{tmp_path / name}: 3 files unpacked", f"{tmp_path / name}: unpacked before"]
    origin = origin_of(folder)
    assert origin is not None
    assert origin["address"] == str(tmp_path / name)


def test_zip_addresses_are_paths_that_may_have_lost_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "photos.zip", FILES)
    folder = local_copy(archive)
    assert local_copy(f"zip://{archive}") == folder
    assert local_copy(Path(f"zip://{archive}")) == folder
    monkeypatch.chdir(tmp_path)
    assert local_copy("zip://photos.zip") == folder


def test_an_archive_that_changed_is_unpacked_anew_and_the_old_folder_stays(tmp_path: Path) -> None:
    first = local_copy(zipped(tmp_path / "photos.zip", FILES))
    second = local_copy(zipped(tmp_path / "photos.zip", {**FILES, "square/2.jpg": b"four"}))
    assert found(first) == FILES
    assert len(found(second)) == 4


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "C:/evil.jpg", "a\\..\\..\\evil.jpg"]
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_name_that_leads_elsewhere_refuses_the_archive(
    name: str, make: Callable[..., Path], tmp_path: Path, cache: Path
) -> None:
    archive = make(tmp_path / "photos.zip", {"disc/1.jpg": b"one", name: b"evil"})
    with pytest.raises(DataError, match="which is no path below a folder: nothing of it is used"):
        local_copy(archive)
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert not list(tmp_path.rglob("evil.jpg"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        entry = tarfile.TarInfo("disc/1.jpg")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DataError, match="which is a link or a device"):
        local_copy(tmp_path / "photos.tar")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SLACK", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("disc/1.jpg", bytes(8 << 20))
    with pytest.raises(DataError, match=r"would unpack to 8 MB, 1,\d+ times its size, as no photos do"):
        local_copy(tmp_path / "bomb.zip")
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_an_archive_that_says_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "photos.zip", {"disc/1.jpg": b"x" * 1000}).read_bytes())
    for at in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "photos.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"photos\.zip"):
        local_copy(tmp_path / "photos.zip")


def test_damaged_cut_and_doubled_archives_are_refused_in_a_sentence(tmp_path: Path, cache: Path) -> None:
    whole = tarred(tmp_path / "photos.tar", {"disc/1.jpg": b"x" * 9000}).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:4000])
    (tmp_path / "noise.zip").write_bytes(b"no archive")
    doubled = tmp_path / "doubled.tar"
    with tarfile.open(doubled, "w") as archive:
        for _ in range(2):
            entry = tarfile.TarInfo("disc/1.jpg")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"one"))
    tangled = zipped(tmp_path / "tangled.zip", {"disc": b"a file", "disc/1.jpg": b"one"})
    for place in (tmp_path / "cut.tar", tmp_path / "noise.zip", doubled, tangled):
        with pytest.raises(DataError, match=place.name):
            local_copy(place)
    assert [path for path in cache.rglob("*") if path.is_file()] == []
