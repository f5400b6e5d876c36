"""`visionft index` and `visionft search` as real commands: words, exit codes, and a process that is killed."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.bundle.making import make_bundle
from tests.searching.making import catalogue, photo
from visionft.cli import main
from visionft.searching.store import PHOTOS

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def told(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (main(arguments), *capsys.readouterr())

    return told


def test_an_index_is_made_brought_up_to_date_and_searched(place: Path, call: Call) -> None:
    code, out, err = call("index", "bundle", "photos", "--out", "i")
    assert (code, err) == (0, "")
    assert out.startswith("index i: 20 photos; 20 added, 0 changed, 0 removed, 0 unchanged\n")
    assert out.endswith("Next: visionft search i PHOTO\n")
    (place / "photos" / "c0" / "0.png").unlink()
    code, out, _ = call("index", "bundle", "photos", "--out", "i", "--json")
    assert json.loads(out.splitlines()[-1])["removed"] == 1
    code, out, err = call("search", "i", "photos/c1/0.png", "--top", "2", "--none-below", "auto")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["photos/c1/0.png", "  1.000  c1/0.png  c1"]
    assert "1 photo looked up, 0 not in the catalogue\n" in out
    code, out, _ = call("search", "i", "photos/c1", "--where", "label = 'c2'", "--per-product", "--json")
    queries = json.loads(out.splitlines()[-1])["queries"]
    assert [[hit["label"] for hit in query["hits"]] for query in queries] == [["c2"]] * 5


def test_a_photo_that_cannot_be_read_is_a_failure_once_the_rest_is_answered(place: Path, call: Call) -> None:
    call("index", "bundle", "photos", "--out", "i")
    (place / "empty.jpg").touch()
    code, out, err = call("search", "i", "photos/c1/0.png", "empty.jpg", "--top", "1")
    assert code == 1
    assert err == "visionft: a photo could not be looked up, first empty.jpg (empty file); the others are answered\n"
    assert "  1.000  c1/0.png" in out


@pytest.mark.parametrize(("words", "code", "told"), [
    ("search nowhere a.jpg", 1, "there is no index at nowhere; make one with `visionft index BUNDLE PHOTOS --out nowh"),
    ("search photos photos/c0", 1, "there is no index at photos; make one with"),
    ("search i nowhere.jpg", 1, "nowhere.jpg does not exist; give photos"),
    ("search i photos --top 0", 2, "--top: 0 is less than 1; give the number of hits for each photo"),
    ("search i photos --none-below 7", 2, "--none-below: 7 is no cosine; give a number from -1 to 1, or auto"),
    ("search i photos --none-below some", 2, "--none-below: some "),
    ("search i photos --where colr=1", 2, "--where: there is no column 'colr'"),
    ("search i photos --wher x", 2, "search has no flag --wher; did you mean --where?"),
    ("index bundle nowhere --out i", 1, "PHOTOS: nowhere does not exist"),
    ("index nowhere photos", 1, "the run or bundle nowhere does not exist"),
    ("index bundle photos --out photos", 2, "--out: photos holds other files; give an index, or a folder that is"),
    ("index bundle photos --adapter x", 2, "has no adapters and 'x' was asked for: leave it out"),
    ("index bundle photos --data.validation 0.1", 2, "index has no flag --data.validation"),
])  # fmt: skip
def test_wrong_calls_are_one_sentence(place: Path, call: Call, words: str, code: int, told: str) -> None:
    call("index", "bundle", "photos", "--out", "i")
    found, _, err = call(*words.split())
    assert found == code
    assert told in err
    assert err.startswith("visionft: ")
    assert err.count("\n") == 1


def rows(index: Path) -> list[tuple[object, ...]]:
    asked = "SELECT path, photo_sha256, label, vector FROM photos JOIN vectors ON id = photo_number ORDER BY path"
    with closing(sqlite3.connect(f"file:{index / PHOTOS}?mode=ro", uri=True, timeout=60)) as connection:
        return connection.execute(asked).fetchall()


def counted(index: Path) -> int:
    try:
        return len(rows(index))
    except sqlite3.Error:  # it is not there yet
        return 0


@pytest.mark.slow
def test_a_process_that_is_killed_twice_loses_and_doubles_no_row(place: Path) -> None:
    for number in range(1600):
        photo(place / "many" / f"c{number % 8}" / f"{number}.png", (number % 251, number // 7, 40))
    make_bundle(place / "slow", slow=2)
    command = [sys.executable, "-m", "visionft", "index", "slow", "many", "--out", "killed"]
    before = 0
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while counted(place / "killed") <= before and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        after = counted(place / "killed")
        assert before < after < 1600
        before = after
    reader = [sys.executable, "-m", "visionft", "search", "killed", "many/c1/1.png", "--top", "1"]
    told = subprocess.run(reader, capture_output=True, text=True, check=True)
    assert "note: the index is being written, or was interrupted" in told.stdout
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    record = json.loads(ended.stdout.splitlines()[-1])
    assert (record["photos"], record["added"], record["unchanged"]) == (1600, 1600 - before, before)
    subprocess.run([*command[:-1], "whole"], capture_output=True, check=True)
    assert rows(place / "killed") == rows(place / "whole")
    with closing(sqlite3.connect(place / "killed" / PHOTOS)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*), count(DISTINCT path) FROM photos").fetchone() == (1600, 1600)
