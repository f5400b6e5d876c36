"""`visionft evaluate`: what the verb is asked for, and what comes next."""

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

    def noted(run: Path, **given: Any) -> Any:
        calls.append((run, {name: value for name, value in given.items() if value not in (None, ())}))
        return Figures()

    monkeypatch.setattr(workflows, "evaluate", noted)
    return calls


class Figures(SimpleNamespace):
    """What the verb returns."""

    def summary(self) -> dict[str, Any]:
        return {"top1": 0.5}

    def __str__(self) -> str:
        return "top-1 50 %"


def test_flags_are_the_verb_s_arguments_and_a_run_is_exported_next(asked: list[Any], capsys: Captured) -> None:
    assert (
        main(["evaluate", "run", "--data", "photos", "--slice", "supplier", "--slice", "size", "--pictures", "none"])
        == 0
    )
    assert asked == [(Path("run"), {"data": Path("photos"), "slice": ("supplier", "size"), "pictures": "none"})]
    assert capsys.readouterr().out == "top-1 50 %\nNext: visionft export run\n"


def test_a_bundle_answers_next_through_the_same_adapter(asked: list[Any], capsys: Captured, here: Path) -> None:
    (here / "run" / "bundle.json").touch()
    assert main(["evaluate", "run", "--data", "photos", "--adapter", "shoes", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"top1": 0.5}
    assert told.err == "top-1 50 %\nNext: visionft predict run PHOTOS --adapter shoes\n"
    assert asked[0][1]["adapter"] == "shoes"


def test_places_that_are_none_are_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "evaluate", "gone").startswith("the run or bundle gone does not exist")
    for flag in ("--data", "--retention"):
        assert refused(capsys, "evaluate", "run", flag, "gone").startswith(f"{flag}: gone does not exist")
    assert asked == []
