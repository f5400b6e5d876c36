"""`visionft blend`: what the verb is asked for, and what comes next."""

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

    def noted(run: Path, out: Path | None, **given: Any) -> Any:
        calls.append((run, out, given["data"], given["coefficients"]))
        made = {"blend": {"coefficient": 0.4, "path": "a table"}}
        figures = {"run": "run-blend", "val_top1": 0.9, "test_top1": 0.8, "seconds": 3}
        return Blended(Path("run-blend"), made, figures)

    monkeypatch.setattr(workflows, "blend", noted)
    return calls


class Blended(SimpleNamespace):
    """What the verb returns of a run."""

    def __init__(self, path: Path, result: dict[str, Any], figures: dict[str, Any]) -> None:
        super().__init__(path=path, result=result, summary=lambda: figures)

    def __str__(self) -> str:
        return "run run-blend"


def test_flags_are_the_verb_s_arguments_and_the_new_run_can_be_exported(asked: list[Any], capsys: Captured) -> None:
    assert main(["blend", "run", "--coefficients", "0.2", "0.4", "--out", "new", "--data", "photos"]) == 0
    assert asked == [(Path("run"), Path("new"), Path("photos"), [0.2, 0.4])]
    assert capsys.readouterr().out == "run run-blend\nNext: visionft export run-blend\n"
    assert main(["blend", "run"]) == 0
    assert asked[1:] == [(Path("run"), None, None, None)]


@pytest.mark.usefixtures("asked")
def test_json_has_figures_and_what_was_chosen(capsys: Captured) -> None:
    assert main(["blend", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "run": "run-blend", "val_top1": 0.9, "test_top1": 0.8, "coefficient": 0.4, "path": "a table",
    }  # fmt: skip


def test_places_that_are_none_are_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "blend", "gone").startswith("the run or bundle gone does not exist; give the folder that")
    assert refused(capsys, "blend", "run", "--data", "gone").startswith("--data: gone does not exist; give a folder")
    assert asked == []
