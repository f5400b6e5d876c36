"""What is remembered of checks, and above all what is not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import visionft
from tests.data.conftest import draw
from visionft.data import verify_photos
from visionft.data.caches import cache_folder, scan_cache
from visionft.data.caches.scan_cache import ScanCache
from visionft.data.sources.image_folder import scan
from visionft.data.sources.listing import Listing
from visionft.data.verify_photos import check
from visionft.errors import PhotoError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]
LIMIT = 10**6


class Watch:
    """Checks a folder as a run does that starts `later` seconds from now, and keeps which photos it opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.later = 10.0
        contents = verify_photos.contents

        def noted(path: Path) -> bytes:
            self.opened.append(path.name)
            return contents(path)

        monkeypatch.setattr(verify_photos, "contents", noted)
        monkeypatch.setattr(scan_cache, "now", lambda: time.time_ns() + int(self.later * 1e9))
        monkeypatch.setattr(verify_photos, "now", lambda: scan_cache.now())

    def check(self, root: Path, limit: int = LIMIT, remember: bool = True) -> Listing:
        self.opened.clear()
        return check(scan(root, DataSettings()), limit, remember=remember)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Watch:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return Watch(monkeypatch)


def remembered(root: Path) -> list[str]:
    return list(pq.read_table(ScanCache(root, LIMIT).path)["path"].to_pylist())


def test_a_second_check_opens_nothing_and_finds_the_same(two_classes: Path, watch: Watch) -> None:
    (two_classes / "hat" / "cut.png").write_bytes((two_classes / "hat" / "00.png").read_bytes()[:300])
    (two_classes / "hat" / "boxes.txt").write_text("no photo")
    first = watch.check(two_classes)
    assert (len(watch.opened), first.unchanged) == (42, 0)
    second = watch.check(two_classes)
    assert (watch.opened, second.unchanged) == ([], 42)
    assert second.table.equals(first.table)
    assert second.quarantine == first.quarantine
    assert [item.path for item in second.quarantine] == ["hat/boxes.txt", "hat/cut.png"]


def test_a_photo_of_other_bytes_is_opened_again(two_classes: Path, watch: Watch) -> None:
    before = watch.check(two_classes)
    draw(two_classes / "hat" / "07.png", seed=7)
    after = watch.check(two_classes)
    assert (watch.opened, after.unchanged) == (["07.png"], 39)
    changed = [a["path"] for a, b in zip(after.table.to_pylist(), before.table.to_pylist(), strict=True) if a != b]
    assert changed == ["hat/07.png"]
    assert watch.check(two_classes).unchanged == 40


def test_a_touched_photo_is_opened_again_and_has_its_digest(two_classes: Path, watch: Watch) -> None:
    before = watch.check(two_classes)
    os.utime(two_classes / "shoe" / "03.png", (1, 1))
    after = watch.check(two_classes)
    assert watch.opened == ["03.png"]
    assert after.table.equals(before.table)


def test_a_photo_that_was_moved_over_another_with_its_times_is_seen(two_classes: Path, watch: Watch) -> None:
    place, other = two_classes / "hat" / "00.bmp", two_classes / "hat" / "01.bmp"
    draw(place, seed=1)
    draw(other, seed=2)
    before, times = watch.check(two_classes), place.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(place)
    assert place.stat().st_size == times.st_size
    after = watch.check(two_classes)
    assert watch.opened == ["00.bmp"]
    assert digest_of(after, "hat/00.bmp") == digest_of(before, "hat/01.bmp")


def digest_of(listing: Listing, path: str) -> str:
    return next(str(row["digest"]) for row in listing.table.to_pylist() if row["path"] == path)


def test_a_photo_as_young_as_its_check_is_not_believed(two_classes: Path, watch: Watch, coarse: None) -> None:
    watch.later = 0
    place = two_classes / "hat" / "00.bmp"
    draw(place, seed=1)
    before = watch.check(two_classes)
    draw(place, seed=2)  # in place: the same size and inode, and by this clock the same times
    after = watch.check(two_classes)
    assert "00.bmp" in watch.opened
    assert digest_of(after, "hat/00.bmp") != digest_of(before, "hat/00.bmp")


def test_once_it_is_older_than_a_tick_it_is(two_classes: Path, watch: Watch, coarse: None) -> None:
    watch.check(two_classes)
    watch.check(two_classes)
    assert watch.opened == []


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every file of today the same times, as a file system does whose clock ticks once in a while."""
    stamp, tick = scan_cache._stamp, time.time_ns() // 10**9 * 10**9

    def ticked(file: str) -> tuple[int, ...]:
        size, modified, _, inode = stamp(file)
        return (size, tick, tick, inode) if size >= 0 else (size, modified, _, inode)

    monkeypatch.setattr(scan_cache, "_stamp", ticked)


def test_a_photo_that_is_gone_leaves_the_cache(two_classes: Path, watch: Watch) -> None:
    watch.check(two_classes)
    (two_classes / "hat" / "05.png").unlink()
    watch.check(two_classes)
    assert watch.opened == []
    assert len(remembered(two_classes)) == 39
    assert "hat/05.png" not in remembered(two_classes)


def test_a_check_of_some_photos_keeps_what_is_known_of_the_others(tree: Tree, watch: Watch) -> None:
    root = tree(f"{name}/{i}.png" for name in ("a", "b", "c") for i in range(3))
    watch.check(root)
    listing = scan(root, DataSettings())
    part = Listing(root, listing.table.slice(0, 4))
    draw(root / "a" / "0.png", seed=5)
    assert check(part, LIMIT, remember=True).unchanged == 3
    assert len(remembered(root)) == 9


def test_links_and_relative_paths_come_to_the_same_folder(
    two_classes: Path, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.check(two_classes)
    (tmp_path / "link").symlink_to(two_classes)
    monkeypatch.chdir(two_classes.parent)
    for root in (tmp_path / "link", Path(two_classes.name), two_classes / ".." / two_classes.name):
        assert watch.check(root).unchanged == 40


def test_what_would_change_the_outcome_empties_the_cache(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.check(two_classes)
    assert watch.check(two_classes, limit=100).table.num_rows == 0
    assert len(watch.opened) == 40
    watch.check(two_classes)
    monkeypatch.setattr(scan_cache, "FORMAT", scan_cache.FORMAT + 1)
    assert watch.check(two_classes).unchanged == 0
    monkeypatch.setattr(scan_cache, "_version", lambda name: "another")
    assert watch.check(two_classes).unchanged == 0
    assert watch.check(two_classes).unchanged == 40


def test_switched_off_it_neither_reads_nor_writes(two_classes: Path, watch: Watch) -> None:
    watch.check(two_classes, remember=False)
    assert not ScanCache(two_classes, LIMIT).path.exists()
    watch.check(two_classes)
    before = ScanCache(two_classes, LIMIT).path.read_bytes()
    draw(two_classes / "hat" / "07.png", seed=7)
    assert watch.check(two_classes, remember=False).unchanged == 0
    assert ScanCache(two_classes, LIMIT).path.read_bytes() == before


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_damaged_cache_is_ignored_and_written_anew(two_classes: Path, watch: Watch, at: float) -> None:
    before = watch.check(two_classes)
    place = ScanCache(two_classes, LIMIT).path
    data = bytearray(place.read_bytes())
    middle = min(int(len(data) * at), len(data) - 4)
    data[middle : middle + 4] = bytes(255 - byte for byte in data[middle : middle + 4])
    place.write_bytes(data)
    assert watch.check(two_classes).table.equals(before.table)
    watch.check(two_classes)
    assert watch.opened == []


@pytest.mark.parametrize("junk", [b"", b"no parquet", b"PAR1" * 40])
def test_a_file_that_is_no_cache_is_ignored(two_classes: Path, watch: Watch, junk: bytes) -> None:
    place = ScanCache(two_classes, LIMIT).path
    place.parent.mkdir(parents=True)
    place.write_bytes(junk)
    assert watch.check(two_classes).table.num_rows == 40
    assert watch.check(two_classes).unchanged == 40


def test_a_cache_that_cannot_be_written_stops_nothing(two_classes: Path, watch: Watch) -> None:
    cache_folder.root().write_text("a file where the folder should be")
    assert watch.check(two_classes).table.num_rows == 40


def test_a_full_disk_stops_nothing_and_leaves_the_old_cache(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.check(two_classes)
    before = ScanCache(two_classes, LIMIT).path.read_bytes()
    draw(two_classes / "hat" / "07.png", seed=7)

    def full(table: object, place: str, **_: object) -> None:
        Path(place).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scan_cache.pq, "write_table", full)
    assert watch.check(two_classes).unchanged == 39
    assert [path.read_bytes() for path in ScanCache(two_classes, LIMIT).path.parent.iterdir()] == [before]


def test_what_the_bytes_alone_do_not_decide_is_asked_again(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = verify_photos.decode

    def starved(data: bytes, *, max_pixels: int) -> object:
        if watch.opened[-1] == "11.png":
            raise PhotoError("too large for the memory left") from MemoryError()
        return decode(data, max_pixels=max_pixels)

    with monkeypatch.context() as patch:
        patch.setattr(verify_photos, "decode", starved)
        check(scan(two_classes, DataSettings()), LIMIT, threads=1, remember=True)
    assert watch.check(two_classes).table.num_rows == 40
    assert watch.opened == ["11.png"] * 2  # one a class


def test_what_is_not_there_is_looked_for_again(two_classes: Path, watch: Watch) -> None:
    (two_classes / "hat" / "link.png").symlink_to(two_classes / "nowhere.png")
    assert [item.reason for item in watch.check(two_classes).quarantine] == ["no such file"]
    assert watch.check(two_classes).unchanged == 40
    draw(two_classes / "nowhere.png", seed=3)
    assert watch.check(two_classes).table.num_rows == 41


def test_a_photo_that_came_between_stamp_and_opening_is_not_remembered(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(scan_cache, "_stat", lambda file: Path(f"{file}-not-yet").stat())
        assert watch.check(two_classes).table.num_rows == 40
    assert watch.check(two_classes).unchanged == 0


def test_an_interrupted_check_keeps_what_it_found(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_photos, "BATCH", 10)

    def stop(done: int, _: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(scan(two_classes, DataSettings()), LIMIT, stop, remember=True)
    watch.check(two_classes)
    assert len(watch.opened) == 20


PROCESS = """
import sys
from pathlib import Path
from visionft.data.verify_photos import check
from visionft.data.sources.image_folder import scan
from visionft.settings import DataSettings
check(scan(Path(sys.argv[1]), DataSettings()), 10**6, lambda done, total: print(done, flush=True), remember=True)
"""


@pytest.mark.slow
def test_a_process_that_is_interrupted_keeps_what_it_found(tree: Tree, watch: Watch, tmp_path: Path) -> None:
    root = tree(["hat/", "shoe/"])
    draw(tmp_path / "noise.png", seed=1, size=(200, 200))
    for number in range(8000):
        (root / "hat" / f"{number}.png").symlink_to(tmp_path / "noise.png")
    time.sleep(2.5)  # until the cache believes that the photo is at rest
    environment = {**os.environ, "PYTHONPATH": str(Path(visionft.__file__).parents[1])}
    command = [sys.executable, "-c", PROCESS, str(root)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        done = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert done <= len(remembered(root)) < 8000


def test_a_long_check_saves_as_it_goes(two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_photos, "BATCH", 10)
    monkeypatch.setattr(verify_photos, "SAVE_SECONDS", -1)
    saved: list[int] = []
    check(
        scan(two_classes, DataSettings()),
        LIMIT,
        lambda done, _: saved.append(len(remembered(two_classes)) if done > 10 else 0),
        remember=True,
    )
    assert saved == [0, 10, 20, 30]
    assert len(remembered(two_classes)) == 40


def test_checks_side_by_side_leave_a_whole_cache(two_classes: Path, watch: Watch) -> None:
    listing = scan(two_classes, DataSettings())
    threads = [threading.Thread(target=check, args=(listing, LIMIT), kwargs={"remember": True}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.check(two_classes).unchanged == 40


def test_times_and_inodes_beyond_64_bits_are_never_believed(
    two_classes: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    class Odd:
        st_mtime_ns, st_ctime_ns, st_ino = 1 << 70, 5, (1 << 64) - 1

        def __init__(self, file: str) -> None:
            self.st_size = stat(file).st_size

    monkeypatch.setattr(scan_cache, "_stat", Odd)
    assert watch.check(two_classes).table.num_rows == 40
    assert watch.check(two_classes).unchanged == 0
