"""Fit on photos that lie elsewhere than when the run was begun, and what it says of those that it leaves out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import visionft as vft
from tests.resealing import reseal
from visionft.errors import RunError, RunMismatchError
from visionft.runs import layout


@pytest.fixture
def place(shapes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shapes, tmp_path / "moved"))


@pytest.fixture
def begun(trained: Path, tmp_path: Path) -> Path:
    """Return the run as a kill after its last step would have left it."""
    folder = Path(shutil.copytree(trained, tmp_path / "run"))
    (folder / layout.WEIGHTS).rename(folder / layout.BEST)
    for name in (layout.RESULT, layout.CALIBRATION, layout.CLASS_MEANS):
        (folder / name).unlink()
    shutil.rmtree(folder / layout.EVALUATION)
    return reseal(folder)


def test_an_unfinished_run_goes_on_where_its_photos_are_now(
    begun: Path, trained: Path, shapes: Path, place: Path, small: dict[str, Any]
) -> None:
    said: list[str] = []
    run = vft.fit(place, out=begun, say=said.append, **small)
    assert f"the photos of {begun} were in {shapes}, and the same are in {place} now" in said
    assert any(line.startswith(f"going on with the unfinished run {begun} after step") for line in said)
    assert (run.path / layout.WEIGHTS).read_bytes() == (trained / layout.WEIGHTS).read_bytes()
    assert run.manifest().root == place
    assert run.result["account"] == vft.Run.open(trained).result["account"]


def test_a_finished_run_says_both_places_and_stays_as_it_is(
    trained: Path, shapes: Path, place: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    folder, said = Path(shutil.copytree(trained, tmp_path / "run")), list[str]()
    before = (folder / layout.DATA).read_bytes()
    vft.fit(place, out=folder, say=said.append, **small)
    places = f"the photos of {folder} were in {shapes}, and the same are in {place} now"
    assert f"{places}; evaluate, export and blend find them with --data {place}" in said
    assert (folder / layout.DATA).read_bytes() == before


def test_other_photos_at_the_new_place_are_refused_with_both_places(
    begun: Path, shapes: Path, place: Path, small: dict[str, Any]
) -> None:
    Image.new("RGB", (60, 60)).save(place / "disc" / "00.jpg")
    with pytest.raises(RunMismatchError, match=rf"photos was {shapes}, is {place}"):
        vft.fit(place, out=begun, say=lambda _: None, **small)
    assert vft.fit(shapes, out=begun, say=lambda _: None, **small).manifest().root == shapes


@pytest.mark.parametrize("spoil", ["another name", "other pixels"])
def test_other_photos_at_another_place_are_refused_without_a_word(
    begun: Path, place: Path, small: dict[str, Any], spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, said = place / "disc" / "00.jpg", list[str]()
    if spoil == "other pixels":
        Image.new("RGB", (60, 60)).save(photo)
    else:
        photo.rename(photo.with_name("another.jpg"))
        monkeypatch.setattr("visionft.data.prepare", lambda *_, **__: pytest.fail("photos are opened"))
    with pytest.raises(RunMismatchError, match=rf"photos was .*, is {place}\); give the same ones or another --out"):
        vft.fit(place, out=begun, say=said.append, **small)
    assert said == []


def test_a_run_begun_on_a_gpu_needs_one(
    begun: Path, shapes: Path, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    settled = begun / layout.SETTINGS
    settled.write_text(settled.read_text().replace("device: cpu", "device: cuda"))
    reseal(begun)
    asked = {**small, "hardware.device": "cuda"}
    record = json.loads((begun / layout.CHOICES).read_text())
    record["requested"]["hardware"]["device"] = "cuda"
    (begun / layout.CHOICES).write_text(json.dumps(record))
    reseal(begun)
    with pytest.raises(RunError, match=r"was begun on a CUDA device and torch sees none here; go on where there is"):
        vft.fit(shapes, out=begun, say=lambda _: None, **asked)


def test_photos_that_changed_at_their_own_place_are_refused(begun: Path, place: Path, small: dict[str, Any]) -> None:
    vft.fit(place, out=begun, say=lambda _: None, **small)
    (begun / layout.RESULT).unlink()
    reseal(begun)
    (place / "disc" / "00.jpg").unlink()
    with pytest.raises(RunMismatchError, match=r"the photos changed since .*\(60 photos then, 59 now\)"):
        vft.fit(place, out=begun, say=lambda _: None, **small)


def test_fit_names_what_it_leaves_out_and_keeps_the_account(shapes: Path, tmp_path: Path) -> None:
    place, said = Path(shutil.copytree(shapes, tmp_path / "photos")), list[str]()
    for number in range(5):
        (place / "disc" / f"{number:02}.jpg").write_bytes(b"")
    (place / "disc" / "notes.txt").write_text("no photo")
    machine = {"hardware.workers": 0, "hardware.threads": 1, "hardware.device": "cpu", "backbone": "visionft_pico"}
    run = vft.fit(place, out=tmp_path / "run", method="head", say=said.append, **machine)
    lines = "\n".join(said).splitlines()
    assert lines[0].startswith("55 photos of 3 classes: ")
    assert lines[0].endswith("; 5 of 60 photos left out")
    tally = "5 empty file and 1 not an image (JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF and BMP are read)"
    names = "disc/00.jpg, disc/01.jpg, disc/02.jpg and 2 more"
    record = run.path / "data.json"
    assert f"6 entries in quarantine: {tally} ({names}); the whole list is in {record}" in lines
    account = {
        "asked": 60, "measured": 55, "headline": "5 of 60 photos left out", "reasons": {"empty file": 5},
        "lost_classes": [], "seen_in_training": None,
    }  # fmt: skip
    assert str(run).endswith("%; 5 of 60 photos left out")
    assert json.loads(record.read_text())["account"] == account
    assert run.result["account"] == run.summary()["account"] == account
    assert run.manifest().account.brief() == account
    test = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    assert test["notes"] == [f"when the run was made: {run.manifest().account}"]
