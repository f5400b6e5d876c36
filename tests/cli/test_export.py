"""`visionft export`: what the verb is asked for, and what comes next."""

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

    def noted(run: Path | None, out: Path | None, settings: Any, **given: Any) -> Any:
        calls.append((run, out, settings.precision, given["data"], given["adapters"]))
        return Exported(given["adapters"] or {})

    monkeypatch.setattr(workflows, "export", noted)
    return calls


class Exported(SimpleNamespace):
    """What the verb returns."""

    def __init__(self, adapters: dict[str, Path]) -> None:
        super().__init__(bundle=Path("run/bundle"), adapters=dict(adapters))

    def to_json(self) -> dict[str, Any]:
        return {"bundle": str(self.bundle)}

    def __str__(self) -> str:
        return "bundle run/bundle"


def test_a_run_becomes_a_bundle_that_answers_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["export", "run", "--precision", "int8", "--data", "photos", "--out", "new"]) == 0
    assert asked == [(Path("run"), Path("new"), "int8", Path("photos"), None)]
    assert capsys.readouterr().out == "bundle run/bundle\nNext: visionft predict run/bundle PHOTOS\n"
    assert main(["export", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"bundle": "run/bundle"}


def test_adapters_are_named_by_their_runs_or_by_a_word(asked: list[Any], capsys: Captured, here: Path) -> None:
    for name in ("hats", "a=b"):
        (here / name).mkdir()
    assert main(["export", "--adapters", "hats", "shoes=run", "a=b", "--out", "new"]) == 0
    assert asked[0][4] == {"hats": Path("hats"), "shoes": Path("run"), "a=b": Path("a=b")}
    assert capsys.readouterr().out.endswith("PHOTOS --adapter hats\n")


def test_what_cannot_be_is_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "export", "gone").startswith("the run or bundle gone does not exist")
    assert refused(capsys, "export", "run", "--data", "gone").startswith("--data: gone does not exist")
    assert refused(capsys, "export", "--adapters", "shoes=gone").startswith("the run or bundle gone does not exist")
    assert "has no effect, as precision fp32 makes nothing smaller" in refused(
        capsys, "export", "run", "--allow", "slower"
    )
    assert asked == []
