"""`visionft sweep`: what the verb is asked for, what is refused before torch, and what comes next."""

from __future__ import annotations

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

    def noted(photos: Path, **given: Any) -> Any:
        given.pop("say")
        calls.append((photos, given))
        return Swept(following=["export", "best"])

    monkeypatch.setattr(workflows, "sweep", noted)
    return calls


class Swept(SimpleNamespace):
    """What the verb returns."""

    def to_json(self) -> dict[str, Any]:
        return {"trials": 2}

    def __str__(self) -> str:
        return "2 trials"


def test_flags_are_the_verb_s_arguments(asked: list[Any], capsys: Captured) -> None:
    words = ["--over", "lr=1e-4..1e-2", "--trials", "2", "--epochs", "3", "--backbone", "visionft_pico"]
    assert main(["sweep", "photos", *words]) == 0
    photos, given = asked[0]
    assert photos == Path("photos")
    assert (given["over"], given["trials"], given["config"]) == ("lr=1e-4..1e-2", 2, None)
    assert str(given["epochs"]) == "3"
    assert capsys.readouterr().out.endswith("2 trials\nNext: visionft export best\n")


def test_what_cannot_be_is_refused_first(asked: list[Any], capsys: Captured) -> None:
    assert refused(capsys, "sweep", "photos") == (
        "sweep: --over is missing; give what is varied, such as --over lr=1e-4..1e-2,method=full,lora"
    )
    said = refused(capsys, "sweep", "photos", "--over", "seed=0..4", "--trials", "3")
    assert said.startswith("--trials: 3 are fewer than the 5 seeds that every draw meets; give more")
    assert refused(capsys, "sweep", "gone", "--over", "seed=0..1").startswith("PHOTOS: gone does not exist")
    assert asked == []
