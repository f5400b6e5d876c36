"""`visionft add-class`: what the verb is asked for, what is told, and what is refused first."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from visionft import workflows
from visionft.cli import main
from visionft.photos import Exact

Captured = pytest.CaptureFixture[str]


class Made:
    """The run that the verb returns."""

    path = Path("run-with-hat")
    classes = ("bag", "hat", "sock")
    result: dict[str, Any] = {  # noqa: RUF012
        "added_classes": [{"name": "sock", "photos": 2}, {"name": "hat", "photos": 3}],
        "val": {"top1": 0.5},
    }

    def __str__(self) -> str:
        return "a run of 3 classes"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Path) -> list[Any]:
    """Return the calls of the verb, which does nothing here."""
    (here / "run").mkdir()
    (here / "a.jpg").touch()
    calls: list[Any] = []

    def noted(run: Path, places: Any, *, say: Any, **given: Any) -> Any:
        say("solving")
        calls.append((run, places if isinstance(places, str) else list(places), given))
        return Made()

    monkeypatch.setattr(workflows, "add_class", noted)
    return calls


def test_flags_are_the_verb_s_arguments_and_the_export_comes_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["add-class", "run", "photos", "a.jpg", "--name", "hat", "--out", "new"]) == 0
    assert asked == [(Path("run"), ["photos", "a.jpg"], {"name": "hat", "out": Path("new")})]
    assert capsys.readouterr().out == "solving\na run of 3 classes\nNext: visionft export run-with-hat\n"


def test_as_json_the_class_added_last_is_told_and_words_go_to_stderr(asked: list[Any], capsys: Captured) -> None:
    assert main(["add-class", "run", "photos", "--json"]) == 0
    assert asked == [(Path("run"), "photos", {"name": None, "out": None})]
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "run": "run-with-hat", "val_top1": 0.5, "classes": 3, "added": {"name": "hat", "photos": 3},
    }  # fmt: skip
    assert told.err.startswith("solving\n")


def test_paths_come_from_standard_input(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"b.jpg\nc.jpg\n"), isatty=lambda: False))
    assert main(["add-class", "run", "a.jpg", "-", "--name", "hat"]) == 0
    assert asked[0][1] == ["a.jpg", Exact("b.jpg"), Exact("c.jpg")], "a line is a path, never a pattern"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone", "a.jpg"], "the run or bundle gone does not exist; give the folder that `visionft fit` or"),
        (["a.jpg", "a.jpg"], "the run or bundle a.jpg is not a folder; give the folder that"),
        (["run", "gone.jpg"], "gone.jpg does not exist; give photos, folders of photos or globs"),
        (["run", "-", "-", "--name", "x"], "- is given 2 times; standard input can be read once"),
        (["run", "a.jpg", "--nam", "hat"], "--nam"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    asked: list[Any], words: list[str], said: str, capsys: Captured
) -> None:
    assert main(["add-class", *words]) in (1, 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err.splitlines()[0]
    assert asked == []
