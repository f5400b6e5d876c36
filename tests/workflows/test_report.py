"""Reports as their user meets them: after a fit and an evaluation, on a full disk, without pictures, with slices."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import visionft
from tests import disks
from tests.bundle.making import make_bundle
from tests.reporting.reading import Page
from visionft import workflows
from visionft.cli import main
from visionft.errors import DataError, UsageError
from visionft.runs import layout


def test_a_fit_without_pictures_leaves_no_photo(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    lines: list[str] = []
    flags = {**small, "report.pictures": "none"}
    run = visionft.fit(shapes, out=tmp_path / "run", say=lines.append, **flags)
    assert lines[-1] == f"report: {run.path / layout.REPORT}"
    assert not (run.path / layout.AUGMENTED).exists()
    for page in (run.path / layout.REPORT, run.path / layout.EVALUATION / "test" / layout.REPORT):
        assert Page(page.read_text(encoding="utf-8")).of("img") == []
    evaluation = visionft.evaluate(run, split="validation")
    assert evaluation.report is not None
    assert Page(evaluation.report.read_text(encoding="utf-8")).of("img") == [], "as the run was told"


def test_a_finished_run_gets_back_what_was_lost_and_stays_as_it_was(
    trained: Path, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (run / layout.REPORT).unlink()
    before = {name: (run / name).read_bytes() for name in (layout.WEIGHTS, layout.RESULT, layout.METRICS)}
    lines: list[str] = []
    visionft.fit(shapes, out=run, say=lines.append, **small)
    assert lines[-1] == f"report: {run / layout.REPORT}"
    assert (run / layout.REPORT).is_file()
    assert {name: (run / name).read_bytes() for name in before} == before
    assert workflows.check(run).whole


def test_a_full_disk_costs_the_report_alone(trained: Path, shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", "24m") as disk:
        run = shutil.copytree(trained, disk / "run")
        (run / layout.REPORT).unlink()
        with (disk / "filler").open("wb") as file:
            file.write(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 8192))
        lines: list[str] = []
        assert visionft.fit(shapes, out=run, say=lines.append, **small).result["val"]["n"] == 10
        assert lines[-1].startswith("no report: the disk is full: ")
        assert lines[-1].endswith(f"`visionft report {run}` makes it again")
        assert not list(run.rglob("*.part"))
        (disk / "filler").unlink()
        workflows.report(run)
        assert workflows.check(run).whole


def test_the_command_names_the_page(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (run / layout.REPORT).unlink()
    assert main(["report", str(run), "--json", "--pictures", "none"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"run": str(run), "report": str(run / "report.html")}
    assert Page((run / layout.REPORT).read_text(encoding="utf-8")).of("img") == []


def test_what_is_no_run_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="is a bundle, and a report is made of a run; give the run"):
        workflows.report(make_bundle(tmp_path / "bundle"))
    assert main(["report", str(tmp_path / "nothing")]) != 0
    assert "nothing" in capsys.readouterr().err


def test_a_place_without_photos_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*elsewhere"):
        workflows.report(trained, data=tmp_path / "elsewhere")


COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0)}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Return a manifest for the bundle that tells mean colours apart: the blue photos of one supplier are green."""
    folder, rows = tmp_path / "colours", []
    folder.mkdir()
    for number in range(80):
        label, supplier = ("blue", "green")[number % 2], ("north", "south", "east", "west")[number // 2 % 4]
        shown = "green" if (label, supplier) == ("blue", "east") else label
        Image.new("RGB", (20, 30), COLOURS[shown]).save(folder / f"{number}.png")
        rows.append((f"{number}.png", label, supplier))
    with (folder / "photos.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "supplier"), *rows])
    return folder / "photos.csv"


def test_a_planted_slice_is_named_first(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, out = make_bundle(tmp_path / "bundle"), tmp_path / "figures"
    words = ["evaluate", str(bundle), "--data", str(manifest), "--slice", "supplier", "--out", str(out), "--json"]
    assert main(words) == 0
    told = capsys.readouterr()
    record = json.loads(told.out.splitlines()[-1])["slices"]
    named = [(one["value"], one["within"]) for one in record if one["named"]]
    assert named[0] == ("east", "blue")
    assert {value for value, _ in named} == {"east"}
    assert "  supplier = east, of blue: top-1 0.0% of 10 photos" in told.err
    assert json.loads((out / "metrics.json").read_text())["slices"] == record
    page = Page((out / layout.REPORT).read_text(encoding="utf-8"))
    assert page.row("supplier = east, of blue")[-1] == "worse"
    assert "Worse than its classes lead to expect: supplier = east, of blue" in page.text


def test_without_a_slice_the_figures_are_as_ever(manifest: Path, tmp_path: Path) -> None:
    evaluation = visionft.evaluate(make_bundle(tmp_path / "bundle"), data=manifest, out=tmp_path / "figures")
    assert evaluation.slices is None
    assert "slices" not in json.loads((tmp_path / "figures" / "metrics.json").read_text())
    assert "slices" not in evaluation.summary()


def test_a_run_s_own_photos_have_the_columns_of_their_manifest(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    with table.open("w", newline="") as file:
        photos = sorted(shapes.rglob("*.jpg"))
        rows = [(photo, photo.parent.name, ("a", "b")[number % 2]) for number, photo in enumerate(photos)]
        csv.writer(file).writerows([("path", "label", "camera"), *rows])
    run = visionft.fit(table, out=tmp_path / "run", say=str, **small)
    found = visionft.evaluate(run, split="train", slice=["camera"]).slices
    assert found is not None
    assert {one.value for one in found if one.within is None} == {"a", "b"}
    assert sum(one.n for one in found if one.within is None) == 40
    moved = tmp_path / "moved"
    shutil.copytree(shapes, moved)
    again = visionft.evaluate(run, split="train", data=moved, slice=["camera"], out=tmp_path / "again").slices
    assert again == found, "photos that moved are known by their bytes"


@pytest.mark.parametrize(
    ("column", "words"), [("suplier", "did you mean 'supplier'"), ("x", "give one of path, label")]
)
def test_an_unknown_column_is_refused_before_anything_is_measured(
    manifest: Path, tmp_path: Path, column: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        visionft.evaluate(make_bundle(tmp_path / "bundle"), data=manifest, slice=[column])


def test_photos_of_a_folder_have_no_columns(trained: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--slice: .* is a folder, which has no columns such as supplier; give photos"
    ):
        visionft.evaluate(trained, slice=["supplier"])


def test_help_and_import_load_no_charts() -> None:
    code = (
        "import sys, visionft, visionft.workflows; from visionft.cli import main; main(['evaluate', '--help']); "
        "print([name for name in ('matplotlib', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
