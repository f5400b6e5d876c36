"""`visionft search`: what the verb is asked for, what comes next, and what could not be read."""

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

    def noted(index: Path, places: str | list[str], **given: Any) -> Any:
        given.pop("on_progress")(1, 2)
        calls.append((index, places, {name: value for name, value in given.items() if value not in (None, False)}))
        return Hits(places)

    monkeypatch.setattr(workflows, "search", noted)
    return calls


class Hits(list[Any]):
    """What the verb returns: a row a photo; those whose name begins with `bad` could not be read."""

    def __init__(self, asked: str | list[str]) -> None:
        places = [asked] if isinstance(asked, str) else asked
        hit = SimpleNamespace(group=None, label="hat")
        super().__init__(
            SimpleNamespace(photo=place, problem="truncated", hits=[])
            if place.startswith("bad")
            else SimpleNamespace(photo=place, problem=None, hits=[hit])
            for place in places
        )

    def to_json(self) -> dict[str, Any]:
        return {"photos": len(self)}

    def __str__(self) -> str:
        return f"{len(self)} photos"


@pytest.fixture(autouse=True)
def photos(here: Path) -> None:
    for name in ("a.jpg", "bad.jpg", "bad2.jpg"):
        (here / name).touch()


def test_flags_are_the_verb_s_arguments_and_products_come_next(asked: list[Any], capsys: Captured) -> None:
    assert main(["search", "run", "a.jpg", "--top", "3", "--none-below", "auto", "--where", "price < 2"]) == 0
    assert asked == [(Path("run"), "a.jpg", {"top": 3, "none_below": "auto", "where": "price < 2"})]
    assert capsys.readouterr().out == "1 photos\nNext: visionft search run a.jpg --per-product\n"
    assert main(["search", "run", "a.jpg", "--per-product"]) == 0
    assert capsys.readouterr().out.endswith("\nNext: visionft search run a.jpg --json\n")


@pytest.mark.usefixtures("asked")
def test_what_could_not_be_read_fails_after_the_others_are_answered(capsys: Captured) -> None:
    assert main(["search", "run", "a.jpg", "bad.jpg"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("2 photos\n")
    assert told.err == (
        "visionft: a photo could not be looked up, first bad.jpg (truncated); the others are answered\n"
    )
    assert main(["search", "run", "bad.jpg", "bad2.jpg"]) == 1
    assert "2 photos could not be looked up, first bad.jpg (truncated); give JPEG, PNG" in capsys.readouterr().err


def test_what_has_no_meaning_is_refused_first(asked: list[Any], capsys: Captured) -> None:
    for words, said in (
        (["gone", "a.jpg"], "there is no index at gone; make one with `visionft index BUNDLE PHOTOS --out gone`"),
        (["run", "a.jpg", "--top", "0"], "--top: 0 is less than 1; give the number of hits for each photo"),
        (["run", "a.jpg", "--none-below", "2"], "--none-below: 2 is no cosine; give a number from -1 to 1, or auto"),
    ):
        assert refused(capsys, "search", *words) == said
    assert asked == []
