"""`visionft cache`: what is kept, in words and as JSON, and gone when asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visionft.cli import main
from visionft.data.caches import cache_folder, decisions


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    for name, size in (("decoded/264-x/ab/abc", 2_500_000), ("decoded/264-x/ab/abd", 10_000), ("mine/a", 1)):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return tmp_path / "cache"


def test_it_lists_every_folder_with_its_place_and_what_it_is_for(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"2.51 MB in 3 files in {root}"
    assert [" ".join(line.split()) for line in told[1:3]] == [
        f"decoded 2.51 MB 2 files {root}/decoded (photos as pixels, for augmented training; made again in the epochs "
        "that need them)",
        f"mine 0.00 MB 1 files {root}/mine (not visionft's: left alone)",
    ]
    assert told[3:] == ["Next: visionft cache --clear"]


def test_it_says_what_was_decided(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = {"backbone": "visionft_pico", "method": {"name": "full"}, "size": [32, 48], "batch_size": 8, "threads": 1}
    choices = [{"setting": "hardware.precision", "value": "bf16"}, {"setting": "optim.micro_batch", "value": 32}]
    made = decisions.settle(about, lambda: choices).made
    assert main(["cache"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-2] == (
        f"  decided on {made}: hardware.precision = bf16, optim.micro_batch = 32 for visionft_pico (full, crops of "
        "32 x 48, batches of 8, threads 1)"
    )
    assert main(["cache", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["decisions"]
    assert told == [{"made": made, "about": about, "chosen": choices}]
    assert main(["cache", "--clear"]) == 0
    assert decisions.known() == []


def test_it_clears_what_is_visionfts_and_says_what_it_freed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"freed 2.51 MB of 2 files in {root}"
    assert [path.name for path in root.iterdir()] == ["mine"]
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"freed 0.00 MB of 0 files in {root}", "Next: visionft fit PHOTOS"]


@pytest.mark.parametrize("clear", [False, True])
def test_json_has_the_same(root: Path, capsys: pytest.CaptureFixture[str], clear: bool) -> None:
    assert main(["cache", "--json", *(["--clear"] if clear else [])]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["root"], told["cleared"]) == (str(root), clear)
    assert (told["files"], told["bytes"]) == ((2, 2_510_000) if clear else (3, 2_510_001))
    assert [row["name"] for row in told["folders"]] == (["decoded"] if clear else ["decoded", "mine"])
    assert set(told["folders"][0]) == {"name", "path", "meaning", "files", "bytes"}


def test_where_nothing_is_kept_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "none"))
    assert main(["cache"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"0.00 MB in 0 files in {tmp_path}/none", "Next: visionft fit PHOTOS"]
    assert not (tmp_path / "none").exists()
