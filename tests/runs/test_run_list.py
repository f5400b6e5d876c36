"""The list of runs: every state, nothing heavy, and odd folders passed over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import visionft
from visionft.cli import main
from visionft.runs import layout, run_list
from visionft.runs.lock import held, is_held


@pytest.fixture
def shelf(trained: Path, tmp_path: Path) -> Path:
    """Return a folder with a run in each state, and with what is no run."""
    folder = tmp_path / "runs"
    for name in ("done", "deep/er/unfinished", "shipped", "torn"):
        shutil.copytree(trained, folder / name)
    (folder / "deep/er/unfinished" / layout.RESULT).unlink()
    (folder / "shipped" / "bundle").mkdir()
    (folder / "torn" / layout.SETTINGS).write_text("epochs: [", encoding="utf-8")
    shutil.copytree(trained, folder / ".hidden")
    (folder / "notes.txt").touch()
    (folder / "photos" / "hat").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "done")
    return folder


def test_each_run_is_a_row_in_order(shelf: Path) -> None:
    found = visionft.list_runs(shelf)
    assert [(row.name, row.state) for row in found] == [
        ("deep/er/unfinished", "unfinished"),
        ("done", "finished"),
        ("shipped", "finished"),
        ("torn", "damaged"),
    ]
    unfinished, done, shipped, torn = found
    run = visionft.Run.open(done.path)
    assert (done.task, done.method, done.backbone) == ("classification", run.settings.method.name, "test_resnet")
    assert (done.validation, done.test) == (run.summary()["val_top1"], run.summary()["test_top1"])
    assert done.next == ("export", str(shelf / "done"))
    assert shipped.next == ("predict", str(shelf / "shipped" / "bundle"), "PHOTOS")
    assert unfinished.next == ("fit", "--config", str(shelf / "deep/er/unfinished/settings.yaml"))
    assert unfinished.epoch is not None
    assert torn.problem is not None
    assert "settings.yaml is damaged" in torn.problem
    assert found[1:3] == (done, shipped)


def test_the_command_prints_a_table_and_json(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(shelf)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == list(run_list.HEADINGS)
    assert len(lines) == 5
    assert lines[2].endswith(f"visionft export {shelf / 'done'}")
    assert main(["runs", str(shelf), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["name"] for row in told["runs"]] == [row.name for row in visionft.list_runs(shelf)]
    assert told["whole"] is True


def test_a_run_itself_is_listed_by_its_name(trained: Path) -> None:
    assert [row.name for row in visionft.list_runs(trained)] == [trained.name]


def test_an_empty_folder_says_where_to_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs below {tmp_path}\nNext: visionft fit PHOTOS\n"


@pytest.mark.parametrize(("name", "wrong"), [("none", "does not exist"), ("file", "is not a folder")])
def test_what_is_no_folder_is_said(name: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["runs", str(tmp_path / name)]) == 1
    assert capsys.readouterr().err == (
        f"visionft: the folder of runs {tmp_path / name} {wrong}; give the one that holds what `visionft fit` wrote\n"
    )


def test_a_run_in_training_is_seen_without_touching_its_lock(shelf: Path) -> None:
    place = shelf / "deep/er/unfinished"
    assert not is_held(place)
    with held(place):
        assert is_held(place)
        row = visionft.list_runs(shelf)[0]
    assert (row.state, row.next) == ("training", ())
    assert not is_held(shelf)  # no lock at all


def test_a_tree_without_end_is_looked_into_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "MOST_FOLDERS", 3)
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    found = visionft.list_runs(tmp_path)
    assert not found.whole
    assert str(found).splitlines()[-1] == "only 3 folders were looked into; give a folder further down"


@pytest.mark.parametrize("lost", ["", "epoch,val_top1\n", "epoch,val_top1,val_loss\n1,x,y\n"])
def test_an_unfinished_run_with_odd_figures(lost: str, shelf: Path) -> None:
    place = shelf / "deep/er/unfinished"
    (place / "digests.json").unlink()
    (place / layout.METRICS).write_text(lost, encoding="utf-8")
    row = visionft.list_runs(place)[0]
    assert (row.state, row.validation) == ("unfinished" if len(lost.splitlines()) < 2 else "damaged", None)


def test_listing_imports_no_torch(shelf: Path) -> None:
    code = (
        f"import sys; from visionft.cli import main; main(['runs', {str(shelf)!r}]); "
        "print([name for name in ('torch', 'timm', 'lightning', 'albumentations', 'sklearn') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.splitlines()[-1] == "[]"
