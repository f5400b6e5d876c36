"""`visionft runs`: what the verb is asked for, and what comes next."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.refusal import refused
from visionft import workflows
from visionft.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Path) -> list[Any]:
    """Return the calls of the verb, which does nothing here."""
    (here / "run").mkdir()
    calls: list[Any] = []

    def noted(folder: Path) -> Any:
        calls.append(folder)
        return Table(folder.name == "run")

    monkeypatch.setattr(workflows, "list_runs", noted)
    return calls


class Table(SimpleNamespace):
    """What the verb returns: a list of runs that holds some, or none."""

    def __init__(self, full: bool) -> None:
        super().__init__(full=full)

    def __bool__(self) -> bool:
        return bool(self.full)

    def to_json(self) -> dict[str, Any]:
        return {"runs": ["a"] if self.full else []}

    def __str__(self) -> str:
        return "one run" if self.full else "no runs"


def test_the_folder_is_runs_unless_another_is_named(asked: list[Any], capsys: Captured) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "no runs\nNext: visionft fit PHOTOS\n"
    assert main(["runs", "run", "--json"]) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out), told.err) == ({"runs": ["a"]}, "one run\n")
    assert asked == [Path("runs"), Path("run")]


def test_a_folder_that_is_not_there_is_one_sentence(here: Path, capsys: Captured) -> None:
    assert refused(capsys, "runs", "gone").startswith("the folder of runs gone does not exist; give the one that")
    assert refused(capsys, "runs", str(here / "thesis.tex")).startswith(
        f"the folder of runs {here}/thesis.tex is not a"
    )
