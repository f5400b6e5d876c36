"""What is kept appears whole or not at all, is not changed afterwards, and goes where nobody reads it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visionft.errors import DataError, UsageError
from visionft.remote import kept_files

OLD = time.time() - 2 * 24 * 3600


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, in which this process holds nothing yet."""
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path))
    monkeypatch.setattr(kept_files, "_held", {})
    return tmp_path / "remote"


def kept_file(name: str, content: bytes) -> Path:
    """Keep a file, and return where it is."""
    place = kept_files.blob(f"s3://shop/{name}", "v", len(content))
    with kept_files.new_file(place) as temporary:
        temporary.write_bytes(content)
    return place


def kept(key: str, *files: Path, age: float = 0.0) -> Path:
    """Keep a folder of files that no process reads, last used so many seconds ago, and return where it is."""
    with kept_files.new_folder(key, {"address": key}) as folder:
        for file in files:
            kept_files.link(file, folder / "photos" / file.name)
    place = kept_files._base() / "folders" / key
    os.utime(place / kept_files.ORIGIN, (time.time() - age,) * 2)
    return place


def test_each_value_and_its_type_has_a_key_of_its_own() -> None:
    keys = [
        kept_files.key_of("a", "b"),
        kept_files.key_of("ab"),
        kept_files.key_of("b", "a"),
        kept_files.key_of("a", 1),
        kept_files.key_of("a", "1"),
    ]
    assert len(set(keys)) == 5
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)
    assert kept_files.key_of("\udcff") != kept_files.key_of("?")


def test_a_file_is_there_whole_or_not_at_all(base: Path) -> None:
    place = kept_files.blob("s3://shop/a", "v", 1)
    with contextlib.suppress(KeyError), kept_files.new_file(place) as temporary:
        temporary.write_bytes(b"half")
        raise KeyError
    assert not place.exists()
    assert list((base / "new").iterdir()) == []
    assert kept_file("a", b"a").read_bytes() == b"a"
    assert list((base / "new").iterdir()) == []


def test_a_folder_is_there_whole_or_not_at_all_and_says_where_it_is_from(base: Path) -> None:
    with contextlib.suppress(KeyError), kept_files.new_folder("k", {}) as folder:
        (folder / "half").touch()
        assert kept_files.kept_folder("k") is None
        raise KeyError
    assert list((base / "folders").iterdir()) == []
    with kept_files.new_folder("k", {"address": "s3://shop"}) as folder:
        assert list(folder.iterdir()) == []
        (folder / "photos").mkdir()
    found = kept_files.kept_folder("k")
    assert found == base / "folders" / "k"
    assert kept_files.origin_at(found / "photos") == {"address": "s3://shop"}
    assert kept_files.origin_at(base / "folders") is None
    assert kept_files.origin_at(base) is None
    (found / kept_files.ORIGIN).write_text("{")
    assert kept_files.origin_at(found) is None


def test_whoever_is_second_with_a_folder_has_the_first_one(base: Path) -> None:
    with kept_files.new_folder("k", {"by": 1}) as first, kept_files.new_folder("k", {"by": 2}) as second:
        (first / "mine").touch()
        (second / "mine").touch()
    assert [place.name for place in (base / "folders").iterdir()] == ["k"]
    assert json.loads((base / "folders/k" / kept_files.ORIGIN).read_text()) == {"by": 2}, "the inner one ended first"


def test_a_link_never_takes_the_place_of_another_file(tmp_path: Path) -> None:
    one, two = kept_file("one", b"one"), kept_file("two", b"two")
    kept_files.link(one, tmp_path / "f/a.jpg")
    for place in ("f/a.jpg", "f/a.jpg/b.jpg"):
        with pytest.raises(DataError, match=r"^two photos would have the name '[ab]\.jpg' in one folder"):
            kept_files.link(two, tmp_path / place)
    assert (one.read_bytes(), two.read_bytes()) == (b"one", b"two")
    one.unlink()
    with pytest.raises(DataError, match="was emptied by another process: give the same command again"):
        kept_files.link(one, tmp_path / "f/c.jpg")


def test_a_disk_without_links_has_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    one = kept_file("one", b"one")
    kept_files.link(one, tmp_path / "f/a.jpg")
    assert (tmp_path / "f/a.jpg").read_bytes() == b"one"
    assert one.stat().st_nlink == 1


@pytest.mark.parametrize("given", ["many", "0", "-1", "nan", "inf", "", "1e9"])
def test_a_bound_that_is_no_number_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kept_files.VARIABLE, given)
    with pytest.raises(UsageError, match=rf"^\$VISIONFT_REMOTE_GB: '{given}' is no number of GB; give one above 0"):
        kept_files.require_room("s3://shop", 1)


def test_what_the_cache_or_the_disk_has_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataError, match=r"s3://shop has 200\.0 GB, and the cache of photos from elsewhere may take 100:"
    ):
        kept_files.require_room("s3://shop", 200 * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1_500_000_000))
    with pytest.raises(DataError, match=r"s3://shop needs 2\.0 GB, and .* has 1\.5 left: set \$VISIONFT_CACHE"):
        kept_files.require_room("s3://shop", 2 * 10**9)
    kept_files.require_room("s3://shop", 10**9)


def test_what_was_used_longest_ago_goes_first_and_only_as_much_as_has_to(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [kept_file(name, name.encode() * 100_000) for name in "abc"]
    middle, oldest, newest = (
        kept(key, file, age=age) for key, file, age in zip("mon", files, (20, 30, 10), strict=True)
    )
    monkeypatch.setenv(kept_files.VARIABLE, "0.0003")  # little more than all three take
    kept_files.require_room("s3://shop", 50_000)
    assert [place.exists() for place in (oldest, middle, newest)] == [False, True, True]
    assert [file.exists() for file in files] == [True, False, True], "a file goes with the last folder that has it"
    assert kept_files.kept_folder("m") == middle
    kept_files.require_room("s3://shop", 250_000)
    assert [place.exists() for place in (middle, newest)] == [True, False], "this process reads one"
    assert sorted(path.name for path in (base / "folders").iterdir()) == ["m"]


def test_what_another_process_reads_is_not_removed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = kept("k", kept_file("a", b"a" * 1000))
    monkeypatch.setenv(kept_files.VARIABLE, "0.000001")
    handle = os.open(place / "in-use", os.O_RDONLY)  # locks are of open files: this one stands for another process
    fcntl.flock(handle, fcntl.LOCK_SH)
    kept_files.require_room("s3://shop", 900)
    assert place.is_dir()
    os.close(handle)
    kept_files.require_room("s3://shop", 900)
    assert not place.exists()
    assert kept_files.kept_folder("k") is None


def test_what_a_killed_process_left_goes_after_a_day_and_what_is_being_made_stays(base: Path) -> None:
    kept_file("a", b"a")
    (base / "folders").mkdir()
    for age in (OLD, time.time()):
        for place in (base / "new" / f"{age:.0f}", base / "folders" / f".new-{age:.0f}" / "photos" / "x.jpg"):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"half")
        for place in (base / "new" / f"{age:.0f}", base / "folders" / f".new-{age:.0f}"):
            os.utime(place, (age, age))
    with kept_files.new_folder("slow", {}) as slow:
        os.utime(slow, (OLD, OLD))
        kept_files.require_room("s3://shop", 1)
        assert slow.is_dir(), "unpacking may take longer than a day"
    assert [path.name for path in (base / "new").iterdir()] == [f"{age:.0f}"]
    assert sorted(path.name for path in (base / "folders").iterdir()) == [f".new-{age:.0f}", "slow"]


KILLED = """
import os, sys
from visionft.remote import kept_files
with kept_files.new_folder("k", {}) as folder:
    (folder / "photos").mkdir()
    os.kill(os.getpid(), 9)
"""


def test_a_kill_leaves_no_folder_of_that_name_and_no_lock(base: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED], check=False, timeout=60)
    assert kept_files.kept_folder("k") is None
    [left] = (base / "folders").iterdir()
    os.utime(left, (OLD, OLD))
    kept_files.require_room("s3://shop", 1)
    assert list((base / "folders").iterdir()) == []


def test_files_in_use_stay_where_room_is_made_and_go_afterwards(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, other = kept_file("used", b"u" * 1000), kept_file("other", b"o" * 1000)
    monkeypatch.setenv(kept_files.VARIABLE, "0.000002")
    with kept_files.using([used]):
        kept_files.require_room("s3://shop", 1500)
        assert (used.exists(), other.exists()) == (True, False)
    kept_files.require_room("s3://shop", 1500)
    assert not used.exists()


def test_a_lock_of_a_removed_folder_is_let_go_and_the_next_one_is_held(base: Path) -> None:
    place = kept("k", kept_file("a", b"a"))
    assert kept_files.kept_folder("k") == place
    shutil.rmtree(place)
    assert kept_files.kept_folder("k") is None
    kept("k", kept_file("a", b"a"))
    assert kept_files.kept_folder("k") == place
    handle = os.open(place / "in-use", os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


def test_clearing_leaves_what_a_process_reads_and_no_half_of_a_folder(base: Path) -> None:
    read, unread = kept("r", kept_file("a", b"a")), kept("u", kept_file("b", b"b"))
    (base / "new" / "killed").touch()
    handle = os.open(read / "in-use", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    pinned = kept_file("c", b"c")
    with kept_files.using([pinned]):
        kept_files.clear()
        assert (read.is_dir(), unread.exists(), pinned.exists()) == (True, False, True)
        assert [file.read_bytes() for file in (read / "photos").iterdir()] == [b"a"]
    os.close(handle)
    kept_files.clear()
    assert [path for path in base.rglob("*") if path.is_file()] == []
