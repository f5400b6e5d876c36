"""`visionft explain`: what the verb is asked for, what is told, and what is refused first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visionft import workflows
from visionft.cli import main
from visionft.evaluation.explained import Explained

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Path) -> list[Any]:
    """Return the calls of the verb, which finds nothing in a photo that speaks for a class."""
    (here / "run").mkdir()
    (here / "a.jpg").touch()
    calls: list[Any] = []

    def noted(*places: Path, **given: Any) -> Explained:
        calls.append((*places, given))
        return Explained("hat", "bag", 0.25, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32))

    monkeypatch.setattr(workflows, "explain", noted)
    return calls


def test_flags_are_the_verb_s_arguments_and_the_report_comes_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["explain", "run", "a.jpg"]) == 0
    assert main(["explain", "run", "a.jpg", "--of", "hat", "--out", "b.png"]) == 0
    assert asked == [
        (Path("run"), Path("a.jpg"), {"of": None, "out": Path("heat.png")}),
        (Path("run"), Path("a.jpg"), {"of": "hat", "out": Path("b.png")}),
    ]
    assert capsys.readouterr().out.splitlines()[:3] == [
        "hat 25.0%; the run answers bag, and nothing in the photo speaks for it",
        "where it looks: heat.png",
        "Next: visionft report run --explain",
    ]


@pytest.mark.usefixtures("asked")
def test_as_json_whether_anything_speaks_for_the_class_is_told(capsys: Captured) -> None:
    assert main(["explain", "run", "a.jpg", "--of", "hat", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "run": "run", "photo": "a.jpg", "label": "hat", "answer": "bag", "probability": 0.25, "heat": False,
        "out": "heat.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone", "a.jpg"], "the run or bundle gone does not exist; give the folder that"),
        (["run", "gone.jpg"], "gone.jpg does not exist; give photos, folders of photos or globs"),
        (["run"], "PHOTO"),
    ],
)
def test_what_is_not_there_is_refused_first(asked: list[Any], words: list[str], said: str, capsys: Captured) -> None:
    assert main(["explain", *words]) in (1, 2)
    assert said in capsys.readouterr().err.splitlines()[0]
    assert asked == []
