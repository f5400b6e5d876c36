"""Archives: unpacked whole, or refused whole; nothing leads out of the folder, and no bomb fills the disk."""

from __future__ import annotations

import gzip
import io
import random
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


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_one_wrong_byte_of_a_packed_tar_refuses_it(packing: str, tmp_path: Path, cache: Path) -> None:
    place = tmp_path / f"photos.tar.{packing}"
    with tarfile.open(place, f"w:{packing}") as archive:  # type: ignore[call-overload]  # no literal
        for number in range(4):
            entry = tarfile.TarInfo(f"disc/{number}.jpg")
            entry.size = 20_000
            archive.addfile(entry, io.BytesIO(random.Random(number).randbytes(entry.size)))
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 0xFF
    place.write_bytes(data)
    with pytest.raises(
        DataError, match=rf"the archive .*photos\.tar\.{packing} cannot be read .*copy or make it again"
    ):
        local_copy(place)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_one_wrong_byte_of_a_zip_packed_by_lzma_refuses_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("disc/1.jpg", random.Random(0).randbytes(9000))
    data = bytearray((tmp_path / "photos.zip").read_bytes())
    data[5000] ^= 0xFF
    (tmp_path / "photos.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"photos\.zip cannot be read"):
        local_copy(tmp_path / "photos.zip")


@pytest.mark.parametrize("damage", ["wrong", "cut"])
def test_a_tar_whose_second_header_is_damaged_is_not_taken_for_one_file(damage: str, tmp_path: Path) -> None:
    data = bytearray(tarred(tmp_path / "photos.tar", FILES).read_bytes())
    second = 2 * tarfile.BLOCKSIZE
    data[second + 150] ^= 0xFF
    (tmp_path / "photos.tar").write_bytes(data if damage == "wrong" else data[: second + 300])
    with pytest.raises(DataError, match=r"photos\.tar is damaged or cut behind 1 file: copy it again"):
        local_copy(tmp_path / "photos.tar")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("first", [True, False])
def test_a_header_that_would_fill_the_memory_is_refused_unread(kind: bytes, first: bool, tmp_path: Path) -> None:
    long, photo = tarfile.TarInfo("long"), tarfile.TarInfo("disc/1.jpg")
    long.type, long.size = kind, 1 << 40
    headers = [long] if first else [photo, long]
    with gzip.open(tmp_path / "photos.tar.gz", "wb") as file:
        file.write(
            b"".join(entry.tobuf(tarfile.USTAR_FORMAT if entry is photo else tarfile.GNU_FORMAT) for entry in headers)
        )
    with pytest.raises(DataError, match=r"photos\.tar\.gz holds a header of 1,099,512 MB, as no photo has"):
        local_copy(tmp_path / "photos.tar.gz")


def test_what_follows_the_end_of_a_packed_tar_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SLACK", 1 << 20)
    with gzip.open(tmp_path / "photos.tar.gz", "wb") as file:
        file.write(tarred(tmp_path / "photos.tar", FILES).read_bytes() + bytes(8 << 20))
    with pytest.raises(DataError, match=r"would unpack to \d MB, \d+ times its size"):
        local_copy(tmp_path / "photos.tar.gz")


def test_an_archive_of_zstandard_says_what_reads_it(tmp_path: Path) -> None:
    (tmp_path / "photos.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(90))
    with pytest.raises(
        DataError, match=r"photos\.tar\.zst .*(Zstandard, which Python reads from 3\.14 on|cannot be read)"
    ):
        local_copy(tmp_path / "photos.tar.zst")
