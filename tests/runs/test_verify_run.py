"""Whatever changes in a run's folder after it was written is noticed where it is used, and by `check`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from tests.damage import flip
from tests.resealing import make_older, reseal
from visionft import evaluate, export, fit, predict
from visionft.errors import RunError, VisionftError
from visionft.files import digests
from visionft.files.safe_open import entry_of
from visionft.finishing import TENTHS, blend
from visionft.finishing.wise_ft import _is_there
from visionft.runs import Run, atomic_write, layout
from visionft.settings import build
from visionft.training import train

silent: Callable[[str], None] = lambda _: None  # noqa: E731


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def rename_a_class(path: Path) -> None:
    path.write_text(path.read_text().replace("disc", "dish"))


def move_the_mean(path: Path) -> None:
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"mean": [0.1, 0.2, 0.3]}))


def zero_the_means(path: Path) -> None:
    save_file({name: 0 * value for name, value in load_file(path).items()}, path)


DAMAGES: list[tuple[str, Callable[[Path], None]]] = [
    (layout.WEIGHTS, flip), (layout.WEIGHTS, zero), (layout.WEIGHTS, cut), (layout.CLASSES, rename_a_class),
    (layout.PREPROCESS, move_the_mean), (layout.CLASS_MEANS, zero_the_means), (layout.CALIBRATION, flip),
    (layout.SETTINGS, flip),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[f"{name}-{damage.__name__}" for name, damage in DAMAGES])
def test_damage_is_refused_by_everything_that_uses_the_run(
    copy: Path, tmp_path: Path, shapes: Path, small: dict[str, Any], name: str, damage: Callable[[Path], None]
) -> None:
    damage(copy / name)
    more: dict[str, Any] = {**small, "out": tmp_path / "further"}
    inherited = {key: value for key, value in more.items() if key not in ("backbone", "weights", "preprocess.size")}
    calls: list[Callable[[], object]] = [
        lambda: predict(copy, shapes / "disc" / "00.jpg"),
        lambda: evaluate(copy),
        lambda: export(copy, tmp_path / "bundle"),
        lambda: blend(Run.open(copy), tmp_path / "blend", say=silent),
        lambda: train(build(shapes, None, **more, distill=copy), silent),
        lambda: train(build(shapes, None, **inherited, from_run=copy), silent),
    ]  # fmt: skip
    used = calls[:3] if name in layout.CALIBRATED else calls  # to train on, or to blend, nobody asks for them
    for call in used:
        with pytest.raises(RunError, match=rf"run/{name} is damaged \(.*digest is not the one in digests\.json\)"):
            call()
    assert sorted(place.name for place in tmp_path.iterdir()) == ["run"]


SPOILT: list[tuple[str, Callable[[Path], None]]] = [
    (layout.WEIGHTS, flip), (layout.METRICS, Path.unlink), (layout.METRICS, cut), (layout.CALIBRATION, Path.unlink),
    (layout.CLASS_MEANS, zero), (layout.RESULT, flip), (layout.CHECKPOINT, flip), (layout.START, Path.unlink),
    (layout.PREPROCESS, flip), (layout.ENVIRONMENT, flip), ("evaluation/test/metrics.json", flip),
]  # fmt: skip


def test_a_finished_run_is_called_so_only_where_it_is_whole(
    trained: Path, copy: Path, shapes: Path, small: dict[str, Any]
) -> None:
    wanted, said = build(shapes, None, **small, out=copy), list[str]()
    train(wanted, said.append)
    assert said[-1] == f"the run {copy} is finished already; give another --out to train again"
    for name, damage in SPOILT:
        damage(copy / name)
        said.clear()
        with pytest.raises(
            RunError, match=rf"run is finished, and damaged since \({name}: .*\); restore it from a cop"
        ):
            train(wanted, said.append)
        assert not any("finished already" in line for line in said)
        shutil.copyfile(trained / name, copy / name)
    for name in (layout.WEIGHTS, layout.METRICS):
        flip(copy / name)
    with pytest.raises(RunError, match=r"\(metrics\.csv: .*, and 1 more: see `visionft check`\); restore"):
        train(wanted, said.append)


def test_damaged_splits_of_a_run_decide_no_sides(
    copy: Path, tmp_path: Path, shapes: Path, small: dict[str, Any]
) -> None:
    splits = copy / layout.SPLITS
    splits.write_text(splits.read_text().replace("validation", "test", 1))
    with pytest.raises(RunError, match=r"splits\.csv is damaged \(.*its digest is not the one in digests\.json\)"):
        train(build(shapes, None, **small, out=tmp_path / "other", **{"data.splits": splits}), silent)
    assert not (tmp_path / "other").exists()


def test_figures_that_were_removed_are_measured_again(copy: Path, shapes: Path, small: dict[str, Any]) -> None:
    file = copy / "evaluation" / "test" / "metrics.json"
    kept = json.loads(file.read_text())
    shutil.rmtree(copy / "evaluation")
    fit(shapes, out=copy, say=silent, **small)
    again = json.loads(file.read_text())
    assert {**again, "subject": ""} == {**kept, "subject": ""}


def test_a_finished_run_without_digests_is_not_called_finished(copy: Path, shapes: Path, small: dict[str, Any]) -> None:
    wanted = build(shapes, None, **small, out=copy)
    (copy / layout.DIGESTS).unlink()
    with pytest.raises(RunError, match=r"damaged since \(digests\.json: it is missing\); restore it"):
        train(wanted, silent)
    environment = json.loads((copy / layout.ENVIRONMENT).read_text())
    del environment["run_layout"]
    (copy / layout.ENVIRONMENT).write_text(json.dumps(environment))
    assert train(wanted, silent).path == copy  # of an older version: it can be read
    cut(copy / layout.WEIGHTS)
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged \(it cannot be read as safetensors"):
        train(wanted, silent)


def test_every_file_that_was_written_is_listed_as_it_is(trained: Path) -> None:
    listed = digests.Digests.read(trained)
    found = {name for name in digests.files(trained) if name not in (layout.LOCK, layout.DIGESTS)}
    assert set(listed.files) == found
    assert {"evaluation/test/metrics.json", "evaluation/test/predictions.parquet", layout.CHECKPOINT} <= found
    assert all(entry_of(trained / name) == listed.files[name] for name in found)
    assert not listed.pending


def test_an_older_run_is_read_as_before(trained: Path, copy: Path, shapes: Path) -> None:
    photo = shapes / "disc" / "00.jpg"
    before, after = predict(trained, photo)[0], predict(make_older(copy), photo)[0]
    assert (before.label, before.probability) == (after.label, after.probability)
    evaluate(copy)
    assert not (copy / layout.DIGESTS).exists()


def test_a_run_that_lost_its_digests_is_not_taken_for_an_older_one(copy: Path) -> None:
    (copy / layout.DIGESTS).unlink()
    with pytest.raises(RunError, match=r"the run .*run lacks digests\.json; restore it from a copy or train again"):
        Run.open(copy)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 9, "files": {}}', '{"format": 1, "files": {"a": 1}}'])
def test_damaged_digests_are_said(copy: Path, content: str) -> None:
    (copy / layout.DIGESTS).write_text(content)
    with pytest.raises(RunError, match=r"digests\.json beside it cannot be used: it (holds|is|cannot).*; restore it"):
        _ = Run.open(copy).settings
    with pytest.raises(RunError, match=r"digests\.json is damaged \(it .*\), so metrics.json was not written; restore"):
        atomic_write.write_json(copy / "evaluation" / "test" / "metrics.json", {})


def test_a_file_that_is_not_listed_is_not_used(copy: Path) -> None:
    listed = digests.Digests.read(copy)
    del listed.files[layout.WEIGHTS]
    listed.write(copy)
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged \(digests\.json does not list it\)"):
        Run.open(copy).network()


def test_a_lost_start_is_not_taken_for_none(copy: Path) -> None:
    (copy / layout.START).unlink()
    with pytest.raises(RunError, match=r"start\.safetensors is damaged \(it is missing\); restore it from a copy"):
        Run.open(copy).start()


class PowerCutError(BaseException):
    """The process ends here."""


STEPS = ["pending", "replace", "settled"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("there", [True, False])
def test_at_every_moment_of_a_write_the_file_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, there: bool
) -> None:
    digests.begin(tmp_path)
    path = tmp_path / "classes.json"
    if there:
        atomic_write.write_text(path, "old")
    writes = iter(["pending", "settled"])
    write, replace = digests.Digests.write, Path.replace

    def cut_at(name: str) -> None:
        if name == step:
            raise PowerCutError

    def writing_digests(self: digests.Digests, folder: Path) -> None:
        name = next(writes)
        if name == "settled":
            cut_at(name)
        write(self, folder)
        cut_at(name)

    def replacing(self: Path, target: Path) -> Path:
        if target == path:
            cut_at("replace")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(digests.Digests, "write", writing_digests)
        patch.setattr(Path, "replace", replacing)
        with pytest.raises(PowerCutError):
            atomic_write.write_text(path, "new")
    if there or step == "settled":
        assert path.read_text() == ("new" if step == "settled" else "old")
        digests.verify(path, 100)
    atomic_write.write_text(tmp_path / "other.json", "other")
    atomic_write.write_text(path, "newer")
    digests.verify(path, 100)
    assert not digests.Digests.read(tmp_path).pending


@pytest.mark.parametrize("removed", [True, False])
def test_a_removal_cut_short_is_settled_by_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    digests.begin(tmp_path)
    path = tmp_path / "best.safetensors"
    atomic_write.write_text(path, "old")

    unlink = Path.unlink

    def power_cut(self: Path, missing_ok: bool = False) -> None:
        if self != path or removed:
            unlink(self, missing_ok)
        if self == path:
            raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", power_cut)
        with pytest.raises(PowerCutError):
            atomic_write.remove(path)
    assert path.exists() != removed
    atomic_write.remove(path)
    atomic_write.write_text(path, "new")
    digests.verify(path, 100)
    assert digests.Digests.read(tmp_path).files == {path.name: entry_of(path)}


def test_removing_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    atomic_write.remove(tmp_path / "none")


def test_records_with_missing_keys_are_said(copy: Path) -> None:
    reads: dict[str, Callable[[Run], Any]] = {
        layout.CLASSES: lambda run: run.classes, layout.PREPROCESS: lambda run: run.preprocess,
        layout.RESULT: lambda run: run.result, layout.CHOICES: lambda run: run.weights_source,
        layout.DATA: lambda run: run.manifest(), layout.CALIBRATION: lambda run: run.answering(),
    }  # fmt: skip
    for name, read in reads.items():
        kept = (copy / name).read_bytes()
        (copy / name).write_text("{}")
        with pytest.raises(RunError, match=rf"{name} is damaged \(.+\); restore it from a copy"):
            read(Run.open(reseal(copy)))
        (copy / name).write_bytes(kept)


def test_a_blend_that_is_there_is_looked_at_through_the_same_door(copy: Path) -> None:
    flip(copy / layout.RESULT)
    with pytest.raises(VisionftError, match=r"result\.json is damaged"):
        _is_there(copy, Run(copy), "", TENTHS)
