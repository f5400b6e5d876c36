"""Reports in a run's folder: made again as they were, known to its digests, and no run's undoing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.reporting.reading import Page
from visionft.errors import RunError
from visionft.reporting import attempt, report_run
from visionft.reporting.write_report import PREFERRED
from visionft.runs import Run, layout
from visionft.runs.verify_run import check, require_as_written

TEST_PAGE = f"{layout.EVALUATION}/test/{layout.REPORT}"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    return Run.open(shutil.copytree(trained, tmp_path / "run"))


def page_of(run: Run) -> Page:
    return Page((run.path / layout.REPORT).read_text(encoding="utf-8"))


def test_the_page_of_a_run_has_every_section(trained: Path) -> None:
    page = page_of(Run.open(trained))
    assert page.open == []
    assert [section["id"] for section in page.of("section")] == [
        "answer", "curves", "classes", "confusion", "photos", "probabilities", "data", "audit", "settings", "cost",
    ]  # fmt: skip
    test = json.loads((trained / "evaluation" / "test" / "metrics.json").read_text())
    assert page.row("top-1 accuracy")[1] == f"{test['top1']:.1%}"
    assert Run.open(trained).result["verdict"] in page.text
    assert page.row("optim.batch_size")[1] == "8"
    assert page.row("packages.torch")[1]
    assert page.row("time")[1].endswith(" s")


def test_what_is_lost_is_made_again_bit_for_bit_where_no_folder_is_named(run: Run, trained: Path) -> None:
    names = [*layout.REPORTED, *(f"{layout.EVALUATION}/test/{name}" for name in layout.PAGE)]
    for name in names:
        (run.path / name).unlink()
    report_run(run, again=False)
    for name in names:
        mine, theirs = ((folder / name).read_bytes() for folder in (run.path, trained))
        for folder in (run.path, trained):
            mine, theirs = (data.replace(str(folder).encode(), b"RUN") for data in (mine, theirs))
        assert mine == theirs, name
    assert check(run.path).whole


def test_what_is_there_is_left_alone(run: Run) -> None:
    before = (run.path / layout.REPORT).stat().st_mtime_ns
    assert report_run(run, again=False) == run.path / layout.REPORT
    assert (run.path / layout.REPORT).stat().st_mtime_ns == before


def test_a_changed_page_is_a_fault_and_hinders_no_fit(run: Run) -> None:
    for name in (layout.REPORT, TEST_PAGE):
        (run.path / name).write_text("other words")
    (run.path / layout.CURVES).unlink()
    assert [fault.partition(":")[0] for fault in check(run.path).faults] == ["curves.png", TEST_PAGE, "report.html"]
    require_as_written(run.path)
    (run.path / layout.WEIGHTS).write_bytes(b"")
    with pytest.raises(RunError, match=r"damaged since \(weights\.safetensors"):
        require_as_written(run.path)


def test_without_pictures_no_photo_is_in_the_folder(run: Run) -> None:
    report_run(run, pictures=False)
    assert not (run.path / layout.AUGMENTED).exists()
    for page in (run.path / layout.REPORT, run.path / TEST_PAGE):
        assert "data:image/" not in page.read_text(encoding="utf-8").partition("</head>")[2]
    assert check(run.path).whole


def test_a_run_without_a_test_split_shows_its_validation(run: Run) -> None:
    shutil.rmtree(run.path / layout.EVALUATION)
    report_run(run)
    page = page_of(run)
    assert f"Right answers on {run.result['val']['n']} validation photos" in page.text
    assert "photos" not in [section["id"] for section in page.of("section")]
    assert PREFERRED == ("test", "validation")


def test_photos_that_changed_since_are_not_shown(run: Run, shapes: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(shapes, tmp_path / "moved")
    for photo in moved.rglob("*.jpg"):
        photo.write_bytes((shapes / "disc" / "00.jpg").read_bytes())
    report_run(run, root=moved)
    page = page_of(run)
    assert "changed since it was measured" in page.text


def test_photos_that_moved_are_shown_from_their_new_place(run: Run, shapes: Path, tmp_path: Path) -> None:
    before = len(page_of(run).of("img"))
    report_run(run, root=shutil.copytree(shapes, tmp_path / "moved"))
    assert len(page_of(run).of("img")) == before > 0


@pytest.mark.parametrize("error", [RunError("the disk is full"), ImportError("no matplotlib"), ZeroDivisionError()])
def test_whatever_fails_is_one_line(error: Exception) -> None:
    said: list[str] = []

    def fail() -> Path:
        raise error

    assert attempt(fail, said.append, "visionft report RUN") is None
    assert len(said) == 1
    assert said[0].startswith("no report: ")
    assert said[0].endswith("; `visionft report RUN` makes it again")
