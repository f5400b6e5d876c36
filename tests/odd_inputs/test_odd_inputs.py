"""Every odd input of the table ends as the table says; the table in the documentation is this one."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.odd_inputs.cases import CASES, Case
from tests.odd_inputs.documenting import PAGE, page
from visionft.cli import main
from visionft.runs import layout


@pytest.fixture
def place(tmp_path: Path, shapes: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(shapes, tmp_path / "shapes")
    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(place: Path) -> dict[str, bytes | None]:
    """Return what lies in the place, but for the lock, which names the process that last asked for it."""
    found = (path for path in place.rglob("*") if path.name != layout.LOCK)
    return {str(path.relative_to(place)): path.read_bytes() if path.is_file() else None for path in found}


def answer(case: Case, place: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Call the command, and return the exit code and what was said, with paths below the place."""
    capsys.readouterr()
    code = main(shlex.split(case.call))
    told = capsys.readouterr()
    return code, (told.out + told.err).replace(f"{place}/", "").replace(str(place), ".")


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.given}" for case in CASES])
def test_odd_input(case: Case, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.make(place)
    before = files(place)
    code, told = answer(case, place, capsys)
    assert code == case.code, told
    assert code == 0 or files(place) == before, "what is refused leaves nothing behind"
    assert "Traceback" not in told
    assert "\x1b" not in told
    rest = told
    assert case.says
    for part in case.says.split(" ... "):
        assert part in rest, f"{part!r} is not said, or not in this order, in:\n{told}"
        rest = rest.partition(part)[2]


def test_there_are_enough_cases_and_each_stands_once() -> None:
    assert len({(case.kind, case.given) for case in CASES}) == len(CASES) >= 70


def test_the_page_shows_these_cases() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run `python -m tests.odd_inputs.documenting` and commit the page"
    )
