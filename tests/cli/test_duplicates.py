"""`visionft duplicates`: what the verb is asked for, and what comes next."""

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

    def noted(index: Path, **given: Any) -> Any:
        given.pop("on_progress")(1, 2)
        calls.append((index, given))
        return Pairs()

    monkeypatch.setattr(workflows, "duplicates", noted)
    return calls


class Pairs(SimpleNamespace):
    """What the verb returns."""

    def to_json(self) -> dict[str, Any]:
        return {"pairs": 2}

    def __str__(self) -> str:
        return "2 pairs"


def test_flags_are_the_verb_s_arguments_and_a_file_comes_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["duplicates", "run", "--top", "5", "--above", "0.9", "--per-product", "--where", "price < 2"]) == 0
    assert asked == [(Path("run"), {"top": 5, "above": 0.9, "per_product": True, "where": "price < 2", "out": None})]
    assert capsys.readouterr().out == "2 pairs\nNext: visionft duplicates run --out duplicates.csv\n"
    assert main(["duplicates", "run", "--out", "all.csv", "--json"]) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out), told.err) == ({"pairs": 2}, "2 pairs\nNext: visionft search run PHOTO\n")


def test_what_has_no_meaning_is_refused_first(asked: list[Any], capsys: Captured) -> None:
    for words, said in (
        (["gone"], "there is no index at gone; make one with `visionft index BUNDLE PHOTOS --out gone`"),
        (["run", "--top", "0"], "--top: 0 is less than 1; give the number of pairs"),
        (["run", "--above", "1.5"], "--above: 1.5 is no cosine; give a number from -1 to 1"),
    ):
        assert refused(capsys, "duplicates", *words) == said
    assert asked == []
