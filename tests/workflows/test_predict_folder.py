"""Answers into a folder: by a run and by a bundle, on the command line and in Python, killed and gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from tests.killing import ENVIRONMENT
from visionft.bundle.prediction_folder import PredictionFolder
from visionft.cli import main
from visionft.errors import MissingExtraError, UsageError
from visionft.workflows import predict_folder

COLOURS = [(220, 20, 20), (20, 220, 20), (20, 20, 220)]


def many(folder: Path, number: int) -> Path:
    """Make a folder of photos that are few files under many names; one of them cannot be read."""
    folder.mkdir()
    for index, colour in enumerate(COLOURS):
        Image.new("RGB", (6, 5 + index), colour).save(folder / f"{index:05}.png")
    (folder / f"{3:05}.png").write_bytes(b"no photo")
    for index in range(4, number):
        os.link(folder / f"{index % 4:05}.png", folder / f"{index:05}.png")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    many(tmp_path / "photos", 70)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_and_a_bundle_write_the_rows_that_a_file_has(place: Path, trained: Path) -> None:
    for subject in (place / "bundle", trained):
        out = place / f"of-{subject.name}"
        found = vft.predict(subject, "photos", top=2, out=out)
        assert isinstance(found, PredictionFolder)
        in_memory = vft.predict(subject, "photos").with_top(2)
        assert found.to_arrow().drop_columns("index").equals(in_memory.to_arrow())
        assert found.account == in_memory.account
        assert [file.name for file in sorted(out.iterdir())] == [
            "_photos.parquet",
            "_predict.json",
            "part-00000.parquet",
        ]
        again = vft.predict(subject, "photos", top=2, out=out, resume=True)
        assert isinstance(again, PredictionFolder)
        assert (len(again), again.unanswered) == (70, found.unanswered)


def test_the_command_line_says_what_was_answered(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "bundle", "photos", "photos/00003.png", "--out", "a", "--json"]) == 1
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert (result["asked"], result["answered"], result["quarantined"], result["out"]) == (71, 53, 18, "a")
    assert "53 photos answered, 18 of 71 not read, in 1 file of a\n" in told.err
    assert result["error"].startswith("a photo that you named could not be read: photos/00003.png (not an image")
    assert main(["predict", "bundle", "photos", "--out", "a", "--resume"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "visionft: a was begun with another list of photos (71 then, 70 now): go on with what it was begun with, or "
        "give another --out\n"
    )


@pytest.mark.slow
def test_lists_from_standard_input_go_into_a_folder(place: Path) -> None:
    command = [sys.executable, "-m", "visionft", "predict", "bundle", "-", "--out", "a", "--resume"]
    for _ in range(2):
        done = subprocess.run(command, input=b"photos/00000.png\nphotos/00001.png\n", capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert pq.read_table(place / "a" / "part-00000.parquet")["label"].to_pylist() == ["red/Äpfel", "green"]


@pytest.mark.parametrize(("given", "said"), [
    ({"resume": True}, "--resume is for answers in a folder, and --out is not given: give --out a name without an end"),
    ({"resume": True, "out": "a.csv"}, "--resume is for answers in a folder, and --out a.csv is a file: give --out"),
    ({"engine": "ray", "out": "a.parquet"}, "--engine ray is for answers in a folder, and --out a.parquet is a file"),
    ({"engine": "spark"}, "there is no engine 'spark'; give local or ray"),
    ({"engine_workers": 2, "out": "a"}, "--engine-workers 2 has no effect without --engine ray: give both, or none"),
    ({"engine_address": "x:1", "out": "a"}, "--engine-address x:1 has no effect without --engine ray: give both"),
    ({"engine": "ray", "engine_workers": 0, "out": "a"}, "--engine-workers: 0 is less than 1; give a whole number"),
    ({"engine": "ray", "engine_address": "ray://x:1", "out": "a"}, "--engine-address: ray://x:1 is of Ray's client"),
    ({"out": "photos/answers"}, "--out photos/answers lies in photos, which is searched for photos: give another"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_nothing_is_made(place: Path, given: dict[str, Any], said: str) -> None:
    before = sorted(place.iterdir())
    with pytest.raises(UsageError, match=f"^{said}"):
        vft.predict("bundle", "photos", **given)
    assert sorted(place.iterdir()) == before


def test_photos_without_a_path_have_no_place_in_a_folder(place: Path) -> None:
    with pytest.raises(UsageError, match="a value of type ndarray has no path, and answers in a folder are of photos"):
        vft.predict("bundle", [np.zeros((4, 4, 3), np.uint8)], out="a")
    assert not (place / "a").exists()


def test_ray_needs_a_bundle_and_ray(place: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(predict_folder, "find_spec", lambda name: object())
        with pytest.raises(UsageError, match=r"is a run, and --engine ray answers by a bundle: `visionft export "):
            vft.predict(trained, "photos", out="a", engine="ray")
    monkeypatch.setattr(predict_folder, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'--engine ray needs ray, not installed here: pip install "visionft\['):
        vft.predict("bundle", "photos", out="a", engine="ray")


@pytest.mark.slow
def test_killed_at_any_point_it_goes_on_without_loss_or_repetition(tmp_path: Path) -> None:
    bundle, photos = make_bundle(tmp_path / "bundle"), many(tmp_path / "photos", 2100)
    command = [sys.executable, "-m", "tests.forking"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def ordered(out: Path, event: int | None) -> dict[str, Any]:
            words = ["predict", str(bundle), str(photos), "--out", str(out), "--resume"]
            log = str(tmp_path / "log")
            order = {"arguments": words, "out": str(out), "log": log, "event": event, "seconds": None}
            print(json.dumps(order), file=process.stdin, flush=True)
            found: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            assert found["code"] in (0, -9), Path(log).read_text()
            return found

        whole = tmp_path / "whole"
        events = ordered(whole, None)["events"]
        assert events >= 12
        files = sorted(whole.iterdir())
        assert len(files) == 5
        left = set()
        for event in range(1, events + 1, 4):
            out = tmp_path / f"killed-{event}"
            assert ordered(out, event)["code"] == -9
            left.add(len(list(out.glob("part-*"))))
            assert ordered(out, None)["code"] == 0
            assert [file.name for file in sorted(out.iterdir())] == [file.name for file in files]
            for file in files:
                assert (out / file.name).read_bytes() == file.read_bytes(), (event, file.name)
        assert left >= {0, 1, 2}
        process.stdin.close()
    tables = [pq.read_table(file) for file in files if file.name.startswith("part")]
    assert [place for table in tables for place in table["index"].to_pylist()] == list(range(2100))
