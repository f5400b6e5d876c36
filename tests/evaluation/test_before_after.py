"""Before and after: both runs on the same photos, each among its own classes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import visionft as vft
from visionft.evaluation import BeforeAfter, before_after, evaluate_run, predict_run
from visionft.evaluation.before_after import FILES, Change
from visionft.runs import Run

MACHINE = {
    "hardware.workers": 0, "hardware.threads": 1, "hardware.device": "cpu",
    "classes.rename": "disc=round",
}  # fmt: skip


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def photos(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return discs under another name, squares, and rings that were not there before; the stripes are gone."""
    root = tmp_path_factory.mktemp("next") / "photos"
    for kind, name in (("disc", "round"), ("square", "square")):
        shutil.copytree(shapes / kind, root / name)
    shutil.copytree(shapes / "stripes", root / "bands")
    return root


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def runs(trained: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory, told: list[str]) -> tuple[Run, Run]:
    parent = Run.open(trained)
    out = tmp_path_factory.mktemp("run") / "next"
    return parent, vft.fit(photos, from_run=parent, method="head", out=out, say=told.append, **MACHINE)


@pytest.fixture(scope="module")
def compared(runs: tuple[Run, Run]) -> BeforeAfter:
    parent, run = runs
    found = before_after(run, parent, evaluate_run(run, None, "test"))
    assert found is not None
    return found


def test_the_figures_are_those_of_each_run_s_own_answers(runs: tuple[Run, Run], compared: BeforeAfter) -> None:
    parent, run = runs
    rows, root = run.manifest().rows("test"), run.manifest().root
    names = {"round": "disc", "square": "square"}
    paths = [path for path in rows.paths if path.split("/")[0] in names]
    truth = [path.split("/")[0] for path in paths]
    before = [one.label for one in predict_run(parent, [root / path for path in paths])]
    after = [one.label for one in predict_run(run, [root / path for path in paths])]
    assert compared.n == len(paths) > 0
    assert compared.before == sum(names[a] == b for a, b in zip(truth, before, strict=True)) / len(paths)
    assert compared.after == sum(a == b for a, b in zip(truth, after, strict=True)) / len(paths)
    assert [(row.name, row.old_name, row.support) for row in compared.classes] == [
        (new, old, truth.count(new)) for new, old in names.items()
    ]
    for row in compared.classes:
        own = [i for i, name in enumerate(truth) if name == row.name]
        assert row.before == pytest.approx(sum(before[i] == row.old_name for i in own) / len(own))
        assert row.after == pytest.approx(sum(after[i] == row.name for i in own) / len(own))


def test_fit_writes_and_prints_it_once(
    runs: tuple[Run, Run], compared: BeforeAfter, told: list[str], photos: Path
) -> None:
    parent, run = runs
    folder = run.path / "evaluation"
    assert {entry.name for entry in folder.iterdir()} == {"test", *FILES}
    assert json.loads((folder / "before_after.json").read_text()) == json.loads(json.dumps(compared.to_json()))
    rows = list(csv.DictReader((folder / "before_after.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["round", "square"]
    assert list(rows[0]) == ["name", "old_name", "support", "before", "after", "change"]
    assert told[-2] == str(compared)
    assert told[-1] == f"report: {run.path / 'report.html'}"
    again: list[str] = []
    vft.fit(photos, from_run=parent, method="head", out=run.path, say=again.append, **MACHINE)
    assert not [line for line in again if line.startswith("before and after")]


def test_without_the_earlier_run_the_rest_is_done(
    runs: tuple[Run, Run], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Run(Path(shutil.copytree(runs[0].path, tmp_path / "parent")))
    out, lines = tmp_path / "next", list[str]()
    vft.fit(photos, from_run=parent, method="head", out=out, say=silent, **MACHINE)
    shutil.rmtree(parent.path)
    (out / "evaluation" / "before_after.json").unlink()
    vft.fit(photos, from_run=parent, method="head", out=out, say=lines.append, **MACHINE)
    words = "that this one goes on from is not there any more; put it back, or name its new place with --from"
    assert lines[-1] == f"no comparison of before and after: the run {parent.path} {words}"
    vft.fit(photos, from_run=runs[0], method="head", out=out, say=lines.append, **MACHINE)
    assert lines[-1].startswith("before and after, ")


def test_without_a_test_split_validation_is_compared(runs: tuple[Run, Run], photos: Path, tmp_path: Path) -> None:
    sides: dict[str, Any] = {"data.test": 0.0, "data.splits": None}
    for number, photo in enumerate(sorted(photos.rglob("*.jpg"))):
        side = "validation" if number % 4 == 0 else "train"
        target = tmp_path / "split" / side / photo.parent.name / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    run = vft.fit(
        tmp_path / "split", from_run=runs[0], method="head", out=tmp_path / "next", say=silent, **MACHINE, **sides
    )
    assert json.loads((run.path / "evaluation" / "before_after.json").read_text())["split"] == "validation"


def test_runs_without_a_common_class_are_not_compared(runs: tuple[Run, Run], tmp_path: Path, photos: Path) -> None:
    for name in ("round", "square"):
        shutil.copytree(photos / name, tmp_path / "other" / f"{name}-2")
    machine = {**MACHINE, "classes.rename": None}
    run = vft.fit(tmp_path / "other", from_run=runs[0], method="head", out=tmp_path / "run", say=silent, **machine)
    assert not (run.path / "evaluation" / "before_after.json").exists()


def test_of_many_classes_those_that_changed_most_are_shown() -> None:
    changes = tuple(Change(f"c{i:02}", f"c{i:02}", 10, 0.5, 0.5 + i / 40) for i in range(13))
    told = str(BeforeAfter(Path("a"), Path("b"), "test", 130, 0.5, 0.65, changes)).splitlines()
    assert (
        told[0] == "before and after, 130 test photos of 13 classes that a knows too: top-1 50.0% before, 65.0% after"
    )
    assert [line.split()[0] for line in told[2:-1]] == [f"c{i:02}" for i in range(12, 2, -1)]
    assert told[2].split() == ["c12", "10", "50.0%", "80.0%"]
    assert told[-1] == "  3 more changed less: see before_after.csv"


def test_a_class_without_photos_has_no_figures() -> None:
    empty = BeforeAfter(Path("a"), Path("b"), "test", 0, None, None, (Change("c", "c", 0, None, None),))
    assert str(empty) == "before and after: there are no test photos of 1 class that a knows too"
    assert empty.classes[0].change == 0.0
    assert empty._repr_html_().startswith("<p>before and after")


def test_the_bundle_says_where_the_run_came_from_without_paths(runs: tuple[Run, Run], tmp_path: Path) -> None:
    parent, run = runs
    exported = vft.export(run, tmp_path / "bundle", golden="none")
    record = json.loads((exported.bundle / "bundle.json").read_text())
    assert record["provenance"]["origin"] == {**(run.origin or {}), "path": parent.path.name}
    assert str(parent.path.parent) not in (exported.bundle / "bundle.json").read_text()
    assert f"- Went on from the run {parent.path.name}.\n" in (exported.bundle / "README.md").read_text()
