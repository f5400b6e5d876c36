"""`visionft demo`: what is told in short and at length, and the command that comes next."""

from __future__ import annotations

import importlib
import json
import zipfile
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.cli import main
from visionft.wording.told import Told
from visionft.workflows.sample_photos import ARCHIVE

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Path) -> list[Path]:
    """Return the folders that the verb was asked for; it does nothing but speak here."""
    folders: list[Path] = []

    def spoken(folder: Path, say: Any) -> Any:
        folders.append(folder)
        say(Told("the choice, and its reason", "the choice"))
        say(Told("a figure that few need", ""))
        say("a plain line")
        return SimpleNamespace(
            folder=folder, report=folder / "run/report.html", seconds=41.6,
            exported=SimpleNamespace(bundle=folder / "bundle"), to_json=lambda: {"test_top1": 0.5},
        )  # fmt: skip

    # The room has a function of that name too.
    monkeypatch.setattr(importlib.import_module("visionft.workflows.demo"), "demo", spoken)
    return folders


def test_it_is_told_in_short_unless_all_is_asked_for(asked: list[Path], capsys: Captured) -> None:
    assert main(["demo"]) == 0
    short = capsys.readouterr().out.splitlines()
    assert short == [
        "the choice",
        "a plain line",
        "all of it in 42 s; look at visionft-demo/run/report.html",
        "the same on photos of your own, a folder for each class: visionft fit PHOTOS",
        "Next: visionft predict visionft-demo/bundle visionft-demo/photos/mug",
    ]
    assert main(["demo", "there", "-v"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["the choice, and its reason", "a figure that few need"]
    assert asked == [Path("visionft-demo"), Path("there")]


@pytest.mark.usefixtures("asked")
def test_as_json_the_object_stands_alone(capsys: Captured) -> None:
    assert main(["demo", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"test_top1": 0.5}
    assert told.err.splitlines()[0] == "the choice"


def test_the_photos_of_the_next_command_come_along() -> None:
    with (files("visionft.workflows") / ARCHIVE).open("rb") as packed, zipfile.ZipFile(packed) as archive:
        assert any(name.startswith("mug/") for name in archive.namelist())
