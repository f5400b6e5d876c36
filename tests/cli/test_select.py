"""`visionft select`: what the verb is asked for, what is told, and what is refused first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from visionft import workflows
from visionft.auditing.selection import Selection
from visionft.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Path) -> list[Any]:
    """Return the calls of the verb, which chooses a photo."""
    calls: list[Any] = []

    def noted(photos: Path, *, bar: Any, **given: Any) -> Selection:
        with bar("reading photos") as advance:
            advance(1, 2)
        calls.append((photos, {name: value for name, value in given.items() if value is not None}))
        return Selection(photos, ("a.jpg",), (), "typical", "none is labelled yet", 7, 0, 2, 1)

    monkeypatch.setattr(workflows, "select", noted)
    return calls


def test_flags_are_the_verb_s_arguments_and_the_fit_comes_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["select", "photos"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "list: to_label.csv; fill in its column `label`, then",
        "Next: visionft fit to_label.csv",
    ]
    flags = ["--count", "3", "--labelled", "photos", "--out", "b.csv", "--backbone", "resnet18", "--weights", "none"]
    assert main(["select", "photos", *flags]) == 0
    given = {"count": 50, "out": Path("to_label.csv"), "backbone": "auto", "weights": "hub"}
    other = {"count": 3, "labelled": Path("photos"), "out": Path("b.csv"), "backbone": "resnet18", "weights": "none"}
    assert asked == [(Path("photos"), given), (Path("photos"), other)]


@pytest.mark.usefixtures("asked")
def test_as_json_everything_is_counted(capsys: Captured) -> None:
    assert main(["select", "photos", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "photos": 7, "labelled": 0, "chosen": 1, "how": "typical", "copies": 2, "unread": 1, "out": "to_label.csv",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone"], "gone is no folder; give the folder of photos to choose from"),
        (["thesis.tex"], "thesis.tex is no folder; give the folder of photos to choose from"),
        (["loop"], "PHOTOS: loop is a link that leads back to itself; give the folder or file that is meant"),
        (["photos", "--labelled", "gone"], "--labelled: gone does not exist; give a folder of class folders, or"),
        (["photos", "--labelled", "thesis.tex"], "thesis.tex is neither a folder nor a .csv or .parquet manifest"),
        (["photos", "--count", "few"], "--count"),
    ],
)
def test_what_cannot_be_is_refused_first(asked: list[Any], words: list[str], said: str, capsys: Captured) -> None:
    assert main(["select", *words]) in (1, 2)
    assert said in capsys.readouterr().err.splitlines()[0]
    assert asked == []
