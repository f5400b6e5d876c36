"""Which fits have a rate to find, and where the curve of one goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft import lr_finder
from visionft.errors import UsageError
from visionft.lr_finder.lr_range_test import Span
from visionft.settings import FitSettings, HeadMethod, OptimSettings
from visionft.workflows.find_lr import find_lr, require_findable

FIT = FitSettings(photos=Path("p"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return what the work was asked; it does nothing here."""
    calls: list[tuple[Any, ...]] = []

    def noted(settings: FitSettings, span: Span, folder: Path, say: Any) -> None:
        calls.append((settings.photos, span, folder))

    monkeypatch.setattr(lr_finder, "search_rate", noted)
    return calls


def test_the_curve_lies_under_the_name_of_the_photos_unless_it_is_told(
    asked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    find_lr("some/photos")
    find_lr("list.csv", steps=20, lowest=1e-3, highest=0.1, out="there")
    monkeypatch.chdir(tmp_path / "shop")
    find_lr(".")
    assert asked == [
        (Path("some/photos"), Span(100, 1e-7, 1.0), Path("runs/photos-find-lr")),
        (Path("list.csv"), Span(20, 1e-3, 0.1), Path("there")),
        (Path(), Span(100, 1e-7, 1.0), Path("runs/shop-find-lr")),
    ]


@pytest.mark.parametrize("out", ["", "a\0b"])
def test_a_place_that_can_be_none_is_refused(asked: list[Any], out: str) -> None:
    with pytest.raises(UsageError, match=r"^--out: "):
        find_lr("p", out=out)
    assert asked == []


@pytest.mark.parametrize(
    ("steps", "lowest", "highest", "told"),
    [
        (19, 1e-7, 1.0, "--steps: 19 is out of range; give a whole number from 20 to 10000"),
        (10_001, 1e-7, 1.0, "--steps: 10001 is out of range"),
        (20, 0.0, 1.0, "--lowest, --highest: a rate cannot rise from 0 to 1; give two above 0 and below 10"),
        (20, 1.0, 1.0, "--lowest, --highest: a rate cannot rise from 1 to 1"),
        (20, 0.1, 10.0, "--lowest, --highest: a rate cannot rise from 0.1 to 10"),
        (20, float("nan"), 1.0, "--lowest, --highest: a rate cannot rise from nan to 1"),
    ],
)
def test_numbers_out_of_range_are_one_sentence(steps: int, lowest: float, highest: float, told: str) -> None:
    with pytest.raises(UsageError, match=f"^{told}"):
        require_findable(FIT, steps, lowest, highest)


def test_the_ends_of_the_ranges_are_within_them() -> None:
    require_findable(FIT, 20, 1e-7, 9.99)
    require_findable(FIT, 10_000, 1e-7, 1.0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": HeadMethod()}, "find-lr: there is no rate to find, as the method head solves"),
        ({"optim": OptimSettings(lr=0.01)}, "--optim.lr: 0.01 is given, and find-lr looks for it; leave it out"),
        ({"from_run": Path("r")}, "--from: r has no part in find-lr, which tries a fit of its own; leave it out"),
        ({"distill": Path("t")}, "--distill: t has no part in find-lr"),
    ],
)
def test_fits_without_a_rate_to_find_are_one_sentence(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=f"^{told}"):
        require_findable(FIT.model_copy(update=changes), 20, 1e-7, 1.0)
