"""`visionft audit` and the reading of folders by fit, through the command line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
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


def spoken(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "visionft", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


@pytest.fixture
def spoilt(shapes: Path, tmp_path: Path) -> Path:
    """Return the shapes with a copy under another class, one in its own, and a photo that is none."""
    root = tmp_path / "shop"
    shutil.copytree(shapes, root)
    shutil.copy(root / "disc" / "00.jpg", root / "square" / "copied.jpg")
    shutil.copy(root / "disc" / "01.jpg", root / "disc" / "copied.jpg")
    (root / "disc" / "torn.jpg").write_bytes((root / "disc" / "02.jpg").read_bytes()[:300])
    return root


@pytest.mark.slow
def test_an_audit_leaves_its_files_and_fit_follows_them(spoilt: Path, tmp_path: Path) -> None:
    """The whole way in real processes: audit, fit --apply, fit again, and fit with another file."""
    done = spoken("audit", "shop", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["out"], told["found"]["two-labels"], told["found"]["copy"]) == ("audits/shop", 1, 1)
    assert "findings" not in told
    assert "Next: visionft fit shop --apply audits/shop/suggestions.csv" in done.stderr
    table = tmp_path / "audits" / "shop" / "suggestions.csv"
    table.write_text(
        "path,action,value,reason,confidence\n"
        'square/copied.jpg,relabel,disc,,1\ndisc/copied.jpg,keep-one,disc/01.jpg,"copy: 2 copies",1\n'
    )
    before = sorted((path, path.read_bytes()) for path in spoilt.rglob("*.jpg"))
    words = ["fit", "shop", "--apply", "audits/shop/suggestions.csv", "--out", "run", "--method", "head"]
    words += ["--backbone", "test_resnet", "--weights", "none", "--preprocess.size", "32", "--hardware.workers", "0"]
    first = spoken(*words, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "following audits/shop/suggestions.csv: 1 relabel and 1 keep-one\n" in first.stdout
    assert sorted((path, path.read_bytes()) for path in spoilt.rglob("*.jpg")) == before
    record = json.loads((tmp_path / "run" / "data.json").read_text())
    assert record["suggestions"]["applied"] == {"keep-one": 1, "relabel": 1}
    assert record["suggestions"]["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert {"path": "disc/copied.jpg", "reason": "left out by suggestions.csv: copy"} in record["quarantine"]
    splits = (tmp_path / "run" / "splits.csv").read_text()
    assert '"square/copied.jpg","disc"' in splits
    assert "disc/copied.jpg" not in splits
    assert "is finished already" in spoken(*words, folder=tmp_path).stdout
    without = spoken(*words[:2], *words[4:], folder=tmp_path)
    assert without.returncode == 1
    assert "apply was" in without.stderr
    table.write_text(table.read_text() + "disc/03.jpg,drop,,,1\n")
    other = spoken(*words, folder=tmp_path)
    assert other.returncode == 1
    assert "is not what it was when run was begun" in other.stderr
    table.write_text(table.read_text() + "disc/none.jpg,drop,,,1\n")
    unknown = spoken(*["other" if word == "run" else word for word in words], folder=tmp_path)
    assert (unknown.returncode, (tmp_path / "other").exists()) == (1, False)
    assert "names 1 photo that PHOTOS does not have: line 5 (disc/none.jpg)" in unknown.stderr


def test_fit_says_in_a_line_what_copies_it_found(
    spoilt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", str(spoilt), "--out", str(tmp_path / "run"), "--method", "head", "--backbone", "test_resnet"]
    words += ["--weights", "none", "--preprocess.size", "32", "--hardware.workers", "0"]
    assert main(words) == 0
    assert (
        "2 exact copies of 2 photos; 1 picture under several classes: visionft audit shows them, and what is alike but "
        "not the same\n"
    ) in capsys.readouterr().out
    assert "suggestions" not in json.loads((tmp_path / "run" / "data.json").read_text())


@pytest.mark.slow
def test_an_audit_that_was_killed_goes_on(tmp_path: Path) -> None:
    """What was looked at before the kill is not looked at again, and the end is the same."""
    from tests.scenes import scene

    for at in range(300):
        place = tmp_path / "shop" / ("hat" if at % 2 else "cap")
        place.mkdir(parents=True, exist_ok=True)
        scene(at).save(place / f"{at}.jpg")
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "visionft", "audit", "shop"]
    environment = {**ENVIRONMENT, "VISIONFT_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        while not (kept := list(cache.rglob("*.photos"))) and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "audits").exists()
    size, begin = kept[0].stat().st_size, kept[0].read_bytes()
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "written: audits/shop/" in done.stdout
    whole = kept[0].read_bytes()
    record = len(whole) // 300
    assert len(whole) == 300 * record  # none twice
    assert whole.startswith(begin[: size // record * record])


def test_flags_that_open_photos_are_refused_beside_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = plant(tmp_path / "photos", ["hat/a.jpg", "cap/b.jpg"])
    assert main(["audit", str(root), "--quick", "--threshold", "0.5"]) == 2
    assert "--threshold: --quick opens no photo, so it has no effect" in capsys.readouterr().err
    assert main(["audit", str(root), "--against", str(tmp_path / "none")]) == 1
    assert "none does not exist; give the folder that `visionft fit`" in capsys.readouterr().err
