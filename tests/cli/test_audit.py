"""`visionft audit` and the reading of folders by fit, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from visionft.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def plant(root: Path, paths: Iterable[str]) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


@pytest.fixture
def wrapped(tmp_path: Path) -> Path:
    names = [f"set/{side}/{kind}/{i}.jpg" for side in ("train", "test") for kind in ("hat", "cap") for i in "12"]
    return plant(tmp_path / "photos", names)


def test_audit_tells_the_reading_the_picture_and_the_next_command(
    wrapped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(wrapped), "--quick"]) == 0
    quick = capsys.readouterr().out
    assert "read as: class folders in splits, set/test/ and set/train/\n" in quick
    assert "  in all      4     4\n" in quick
    assert quick.endswith(f"Next: visionft fit {wrapped}\n")


def test_audit_as_json_is_one_object_at_the_end(wrapped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(wrapped), "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"train": {"cap": 2, "hat": 2}, "test": {"cap": 2, "hat": 2}}
    assert told["settings"]["data.inside"] == "set"


def test_audit_takes_the_flags_of_reading_and_hands_them_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = plant(tmp_path / "photos", [f"{kind}/{part}/{i}.jpg" for kind in "AB" for part in "xy" for i in range(9)])
    assert main(["audit", str(root), "--quick"]) == 1
    assert "which may be sides of one set" in capsys.readouterr().err
    assert main(["audit", str(root), "--data.depth", "1", "--quick"]) == 0
    assert capsys.readouterr().out.endswith(f"Next: visionft fit {root} --data.depth 1\n")


def test_audit_of_what_fit_would_refuse_shows_the_picture_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(plant(tmp_path / "photos", ["hat/a.jpg", "hat/b.jpg"])), "--quick"]) == 1
    told = capsys.readouterr()
    assert "  hat          2" in told.out
    assert "has photos of only one class" in told.err


def test_audit_has_no_flags_of_training(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["audit", str(tmp_path), "--epochs", "3"]) == 2
    assert "--epochs" in capsys.readouterr().err
    assert main(["audit", str(tmp_path / "nowhere")]) == 1
    assert "does not exist; give a folder of class folders" in capsys.readouterr().err


def test_a_class_whose_name_steers_a_terminal_is_one_printable_sentence(tmp_path: Path) -> None:
    root = plant(tmp_path / "photos", ["a\n\x1b[2Jb/1.jpg", "hat/2.jpg"])
    command = [sys.executable, "-m", "visionft", "audit", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"visionft: {root} has a class whose name holds a line break or another control character "
        "('a\\n\\x1b[2Jb'): rename the folder\n"
    )


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["Training/hat/1.jpg", "Training/cap/1.jpg", "Testing/hat/2.jpg", "Testing/cap/2.jpg"], "Testing/ for test"),
        (["hat/1.jpg", "HAT/1.jpg", "Hat /1.jpg"], "note: odd classes: 'HAT', 'Hat ' and 'hat' differ in case"),
        ([f"{i}/1.jpg" for i in range(12)], "class '10' has index 2"),
    ],
    ids=["training-testing", "odd-classes", "numbers"],
)
def test_the_cases_of_reading_are_told_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], paths: list[str], words: str
) -> None:
    assert main(["audit", str(plant(tmp_path / "photos", paths)), "--quick"]) == 0
    assert words in capsys.readouterr().out
