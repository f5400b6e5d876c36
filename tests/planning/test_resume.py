"""An unfinished run is gone on with only by the same settings and the same photos, whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.resealing import reseal
from visionft import data
from visionft.errors import RunError, RunMismatchError
from visionft.planning import resume
from visionft.runs import layout
from visionft.runs.history import Epoch
from visionft.settings import FitSettings, build

Ask = Callable[..., FitSettings]


@pytest.fixture
def ask(shapes: Path, small: dict[str, Any]) -> Ask:
    def asked(photos: Path = shapes, **flags: Any) -> FitSettings:
        return build(photos, None, out="run", **{**small, **flags})

    return asked


@pytest.fixture
def unfinished(trained: Path, tmp_path: Path) -> Path:
    """Return a run as it lies there after its first epoch."""
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / layout.RESULT).unlink()
    return run


def test_the_same_settings_are_no_others(trained: Path, ask: Ask) -> None:
    resume.require_same_settings(trained, ask())
    resume.require_same_settings(trained, ask(**{"report.pictures": "none", "hardware.checkpoint_seconds": 3}))


def test_what_auto_became_may_be_given(trained: Path, ask: Ask) -> None:
    settled = resume.read_settings(trained / layout.SETTINGS).optim.lr
    resume.require_same_settings(trained, ask(**{"optim.lr": settled}))


def test_each_difference_is_named_with_both_values(trained: Path, ask: Ask) -> None:
    words = r"was made with other settings \(optim\.lr was auto, is 0\.5; seed was 0, is 3\); give the same ones or"
    with pytest.raises(RunMismatchError, match=words):
        resume.require_same_settings(trained, ask(seed=3, **{"optim.lr": 0.5}))


def test_a_run_from_before_the_mode_was_chosen_goes_on_with_its_crop(unfinished: Path, ask: Ask) -> None:
    record = json.loads((unfinished / layout.CHOICES).read_text())
    assert record["requested"]["preprocess"]["mode"] == "auto"
    resume.require_same_settings(unfinished, ask(**{"preprocess.mode": "crop"}))
    record["requested"]["preprocess"]["mode"] = "crop"
    (unfinished / layout.CHOICES).write_text(json.dumps(record))
    reseal(unfinished)
    resume.require_same_settings(unfinished, ask())
    with pytest.raises(RunMismatchError, match=r"preprocess.mode was crop, is pad"):
        resume.require_same_settings(unfinished, ask(**{"preprocess.mode": "pad"}))


def test_a_long_value_is_not_written_out(trained: Path, ask: Ask) -> None:
    with pytest.raises(RunMismatchError, match=r"\(augment\.pipeline was another one\)"):
        resume.require_same_settings(trained, ask(**{"augment.pipeline": "x" * 400}))


def test_photos_are_read_as_the_run_settled_it_where_that_is_open(trained: Path, ask: Ask, tmp_path: Path) -> None:
    settled = resume.read_settings(trained / layout.SETTINGS).data
    assert "auto" not in [getattr(settled, name) for name in resume.READING]
    open_ = resume.reading_of(trained, ask(**{"data.layout": "splits"}))
    assert open_.layout == "splits"
    assert (open_.depth, open_.group_by, open_.inside) == (settled.depth, settled.group_by, settled.inside)
    assert resume.reading_of(tmp_path / "new", ask()) == ask().data


def test_the_same_photos_at_another_place_are_the_same(
    unfinished: Path, ask: Ask, shapes: Path, tmp_path: Path
) -> None:
    there = ask(Path(shutil.copytree(shapes, tmp_path / "moved")))
    reading = resume.reading_of(unfinished, there)
    manifest = data.prepare(there.photos, reading)
    resume.require_same_paths(unfinished, there, reading, unfinished / layout.SPLITS)
    resume.require_same_photos(unfinished, there, manifest)
    said = resume.moved(unfinished, there, manifest)
    assert said == f"the photos of {unfinished} were in {shapes}, and the same are in {there.photos} now"
    assert json.loads((unfinished / layout.DATA).read_text())["root"] == str(there.photos)
    assert resume.moved(unfinished, there, manifest) is None, "it is known by now"


def test_a_finished_run_keeps_its_record(trained: Path, ask: Ask, shapes: Path, tmp_path: Path) -> None:
    there = ask(Path(shutil.copytree(shapes, tmp_path / "moved")))
    before = (trained / layout.DATA).read_bytes()
    said = resume.moved(trained, there, data.prepare(there.photos, there.data))
    assert str(said).endswith(f"; evaluate, export and blend find them with --data {there.photos}")
    assert (trained / layout.DATA).read_bytes() == before


def test_another_place_without_the_run_s_photos_is_refused_unopened(
    trained: Path, ask: Ask, shapes: Path, tmp_path: Path
) -> None:
    there = ask(Path(shutil.copytree(shapes, tmp_path / "fewer")))
    shutil.rmtree(there.photos / "disc")
    words = rf"photos was {shapes}, is {there.photos}\); give the same ones or another --out"
    with pytest.raises(RunMismatchError, match=words):
        resume.require_same_paths(trained, there, resume.reading_of(trained, there), trained / layout.SPLITS)
    with pytest.raises(RunMismatchError, match=words):
        resume.require_same_place(trained, there)
    resume.require_same_place(trained, ask())


def test_photos_that_changed_in_their_place_are_counted(unfinished: Path, ask: Ask, shapes: Path) -> None:
    record = json.loads((unfinished / layout.DATA).read_text())
    (unfinished / layout.DATA).write_text(json.dumps({**record, "fingerprint": "0" * 64, "photos": 61}))
    reseal(unfinished)
    manifest = data.prepare(shapes, ask().data)
    with pytest.raises(RunMismatchError, match=r"the photos changed since .* was begun \(61 photos then, 60 now\)"):
        resume.require_same_photos(unfinished, ask(), manifest)


def test_a_record_that_lost_what_is_asked_of_it_is_one_sentence(unfinished: Path, ask: Ask) -> None:
    (unfinished / layout.CHOICES).write_text("{}")
    reseal(unfinished)
    with pytest.raises(RunError, match=layout.CHOICES):
        resume.require_same_settings(unfinished, ask())


def test_a_run_goes_on_whole_or_not_at_all(unfinished: Path) -> None:
    rows = [Epoch(1, 1, 5, 0.1, 1.0, 1.0, 0.5, 1.0, 10.0)]
    shutil.copy(unfinished / layout.WEIGHTS, unfinished / layout.BEST)
    reseal(unfinished)
    resume.require_whole(unfinished, rows)
    (unfinished / layout.BEST).unlink()
    with pytest.raises(
        RunError, match=rf"{layout.BEST}.*; restore it from a copy, or delete {layout.CHECKPOINT} to train"
    ):
        resume.require_whole(unfinished, rows)
    resume.require_whole(unfinished, [])


def test_a_cuda_run_wants_a_cuda_device(unfinished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resume.require_device(unfinished)
    text = (unfinished / layout.SETTINGS).read_text().replace("device: cpu", "device: cuda")
    (unfinished / layout.SETTINGS).write_text(text)
    reseal(unfinished)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    resume.require_device(unfinished)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match="was begun on a CUDA device and torch sees none here; go on where there is one"):
        resume.require_device(unfinished)
