"""What settings name is looked for before torch, unless a run was begun that needs it no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft.cli.named_places import require_named
from visionft.errors import DataError, RunError, VisionftError, WeightsError
from visionft.settings import build

GONE: list[tuple[dict[str, Any], type[VisionftError], str]] = [
    ({"from": "gone"}, RunError, "there is no run at gone"),
    ({"distill": "gone"}, RunError, "there is no run at gone"),
    ({"weights": "gone.safetensors"}, WeightsError, "there is no file of weights at gone.safetensors"),
    ({"data.splits": "gone.csv"}, DataError, "--data.splits: gone.csv does not exist"),
    ({"data.taxonomy": "gone.csv"}, DataError, "--data.taxonomy: gone.csv does not exist; give a CSV with the columns"),
]


@pytest.mark.parametrize(("flags", "error", "words"), GONE)
def test_what_is_not_there_is_said(flags: dict[str, Any], error: type[VisionftError], words: str, here: Path) -> None:
    with pytest.raises(error, match=words):
        require_named(build("photos", **flags))


@pytest.mark.parametrize("flags", [flags for flags, _, _ in GONE])
@pytest.mark.parametrize(("out", "place"), [("auto", "runs/photos-full"), ("mine", "mine")])
def test_a_run_that_was_begun_needs_it_no_more(flags: dict[str, Any], out: str, place: str, here: Path) -> None:
    (here / place).mkdir(parents=True)
    (here / place / "settings.yaml").touch()
    require_named(build("photos", out=out, **flags))


def test_suggestions_are_always_needed(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "settings.yaml").touch()
    with pytest.raises(DataError, match=r"--apply: gone.csv cannot be read \(no such file\); give the suggestions.csv"):
        require_named(build("photos", out="mine", apply="gone.csv"))


@pytest.mark.parametrize("weights", ["hub", "none", "auto"])
def test_words_are_no_files(weights: str, here: Path) -> None:
    require_named(build("photos", weights=weights))


def test_what_is_there_is_left_to_who_reads_it(here: Path) -> None:
    for name in ("w.pt", "splits.csv", "a.csv"):
        (here / name).touch()
    require_named(build("photos", weights="w.pt", apply="a.csv", **{"data.splits": "splits.csv"}))
