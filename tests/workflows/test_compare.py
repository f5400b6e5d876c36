"""Runs side by side, as a caller has it; two bundles are in tests/cli and tests/serving."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from tests.reporting.reading import Page
from visionft.cli import main
from visionft.errors import UsageError
from visionft.evaluation import SideBySide


@pytest.fixture(scope="module")
def twin(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("twin") / "run"))


def test_a_run_beside_its_copy_differs_in_nothing(trained: Path, twin: Path, tmp_path: Path) -> None:
    found = vft.compare(trained, twin, out=tmp_path / "c.html")
    assert isinstance(found, SideBySide)
    evaluated = json.loads((trained / "evaluation" / "test" / "metrics.json").read_text())
    assert (len(found.paths), found.split) == (evaluated["n"], "test")
    assert found.top1 == (pytest.approx(evaluated["top1"]),) * 2
    assert found.log_loss == (pytest.approx(evaluated["log_loss"], abs=1e-5),) * 2
    assert found.pairs[0].p == 1
    assert not any(row.named for row in found.classes)
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert Page(text).open == []
    assert "All settings are the same." in text


def test_what_was_not_evaluated_is_measured_and_nothing_is_written(trained: Path, twin: Path) -> None:
    before = sorted(path for path in twin.rglob("*"))
    found = vft.compare(trained, twin, split="validation")
    assert isinstance(found, SideBySide)
    assert found.split == "validation"
    assert found.notes[0] == "each run was chosen by its validation photos, which flatters it"
    assert sorted(path for path in twin.rglob("*")) == before


def test_other_photos_leave_out_what_was_learnt(trained: Path, twin: Path, shapes: Path) -> None:
    found = vft.compare(trained, twin, data=shapes)
    assert isinstance(found, SideBySide)
    assert found.split == "data"
    trained_on = sum(json.loads((trained / "data.json").read_text())["counts"]["train"].values())
    assert f"{trained_on} photos left out: one was trained on them" in found.notes
    assert len(found.paths) == 60 - trained_on


def test_the_command_prints_the_table_and_names_the_page(
    trained: Path, twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(trained), str(twin), "--pictures", "none", "--json"]) == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert (record["out"], record["subjects"][1]["letter"]) == ("compare.html", "B")
    assert "B against A: +0.0 points" in told.err
    assert told.err.rstrip().endswith("page: compare.html")
    assert (tmp_path / "compare.html").is_file()


def test_what_cannot_be_compared_is_refused(trained: Path, twin: Path, tmp_path: Path) -> None:
    refused = [
        (lambda: vft.compare(trained, trained), r"is given twice, and is like itself; give different"),
        (lambda: vft.compare(trained, twin, out="c.csv"), r"--out: c.csv does not end in .html"),
        (lambda: vft.compare(trained, twin, split="train"), r"split is 'train', and runs are compared on held-out"),
        (lambda: vft.compare(trained, twin, split="test", data=tmp_path), r"--split names the runs' own photos"),
        (lambda: vft.compare(trained, twin, pictures="few"), r"pictures is 'few'; give all or none"),
        (lambda: vft.compare(trained, twin, adapter="one"), r"is a run, which answers by itself"),
        (lambda: vft.compare(*(tmp_path / str(number) for number in range(13))), r"13 runs and bundles .* 12 fit"),
    ]
    for call, words in refused:
        with pytest.raises(UsageError, match=words):
            call()
    one, two = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "two")
    with pytest.raises(UsageError, match=r"one is a bundle and brings no photos; give labelled ones with --data"):
        vft.compare(one, two, out=tmp_path / "c.html")
    with pytest.raises(UsageError, match=r"two bundles have no test photos of their own"):
        vft.compare(one, two, data=tmp_path, split="test")
