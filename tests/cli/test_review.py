"""`visionft review`: what the verb is asked for, and what comes next."""

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
        given.pop("say")
        calls.append((run, given))
        return Path(given["out"])

    monkeypatch.setattr(workflows, "review", noted)
    return calls


def test_flags_are_the_verb_s_arguments(asked: list[Any], capsys: Captured) -> None:
    words = ["--no-open", "--port", "8001", "--who", "ann", "--audit", "audits", "--data.depth", "1"]
    assert main(["review", "photos", *words]) == 0
    [(photos, given)] = asked
    assert photos == Path("photos")
    assert str(given.pop("data.depth")) == "1"
    assert given == {
        "out": Path("corrections.csv"), "port": 8001, "open": False, "who": "ann", "audit": Path("audits"),
    }  # fmt: skip
    assert capsys.readouterr().out == "nothing was answered\n"


@pytest.mark.usefixtures("asked")
def test_answers_are_counted_and_followed_by_fit(here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows, "reviewed_photos", lambda _: (Path("photos"), None))
    (here / "a.csv").write_text("path,action,value,reason,confidence\ncat/1.jpg,drop,,blurred,1\n")
    assert main(["review", "photos", "--out", "a.csv", "--data.depth", "1"]) == 0
    assert capsys.readouterr().out == (
        "1 photos are answered in a.csv\nNext: visionft fit photos --data.depth 1 --apply a.csv\n"
    )
    monkeypatch.setattr(workflows, "reviewed_photos", lambda _: (Path("photos"), Path("run")))
    assert main(["review", "run", "--out", "a.csv", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["answered"] == 1
    assert told.err.endswith("Next: visionft fit photos --apply a.csv --from run --out run-corrected\n")


def test_what_cannot_be_is_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "review", "gone") == "gone does not exist; give a run, or the photos that were audited"
    said = refused(capsys, "review", "photos", "--port", "65536")
    assert said == "--port: 65536 is no port; give one from 0 to 65535"
    assert refused(capsys, "review", "thesis.tex").startswith("thesis.tex is neither a folder nor a .csv or .parquet")
    assert asked == []
