"""`visionft report`: what the verb is asked for, and what comes next."""

from __future__ import annotations

import json
from pathlib import Path
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

    def noted(run: Path, **given: Any) -> Path:
        calls.append((run, given))
        return run / "report.html"

    monkeypatch.setattr(workflows, "report", noted)
    return calls


def test_the_page_is_named(asked: list[Any], capsys: Captured) -> None:
    assert main(["report", "run", "--data", "photos", "--pictures", "none"]) == 0
    assert asked == [(Path("run"), {"data": Path("photos"), "pictures": "none", "explain": False})]
    assert capsys.readouterr().out == "report: run/report.html\nNext: visionft export run\n"
    assert main(["report", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": "run", "report": "run/report.html"}


def test_places_and_words_that_are_none_are_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "report", "thesis.tex").startswith("the run or bundle thesis.tex is not a folder; give")
    assert refused(capsys, "report", "run", "--data", "gone").startswith("--data: gone does not exist")
    assert "some" in refused(capsys, "report", "run", "--pictures", "some")
    assert asked == []
