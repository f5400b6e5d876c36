"""A suggestion prints, shows itself with its picture, and is written as picture and table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from visionft.lr_finder import LrSuggestion
from visionft.lr_finder.lr_curve import rate_at

RATES = [rate_at(step, 20, 1e-6, 1e-1) for step in range(20)]
LOSSES = [2.0 - step / 20 for step in range(15)] + [3.0, 5.0, 7.0, 9.0, 11.0]
SMOOTHED = [loss + 0.01 for loss in LOSSES]
FOUND = LrSuggestion(
    1e-3, "because", 3e-4, "pretrained", {"optim.lr": 1e-3}, RATES, LOSSES, SMOOTHED, diverged=True, steps=30,
    phase=(2, 3),
)  # fmt: skip


def test_it_says_what_was_tried_what_is_suggested_and_the_default() -> None:
    assert repr(FOUND) == str(FOUND)
    assert str(FOUND).splitlines() == [
        "tried: 20 steps, of phase 2 of 3, the rate rising from 1e-06 until the loss diverged at 0.1",
        "suggested: optim.lr = 0.001  (because)",
        "default:   optim.lr = 0.0003  (pretrained)",
    ]


def test_it_shows_its_picture_in_a_notebook() -> None:
    page = FOUND._repr_html_()
    assert page.startswith("<p>tried: 20 steps")
    assert '<svg role="img" aria-label="Training loss over the learning rate"' in page
    assert "suggested 0.001" in page


def test_the_picture_shows_the_fall_and_not_all_of_the_divergence() -> None:
    low, high = FOUND.figure().axes[0].get_ylim()
    assert low < min(LOSSES)
    assert max(LOSSES[:15]) < high < 5.0


def test_picture_and_table_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    for _ in range(2):
        FOUND.write(tmp_path / "lr")
    assert {path.name for path in (tmp_path / "lr").iterdir()} == {"lr_finder.png", "lr_finder.csv"}
    assert (tmp_path / "lr" / "lr_finder.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "lr" / "lr_finder.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "lr", "loss", "smoothed_loss"]
    assert [float(row["lr"]) for row in rows] == RATES
    assert [float(row["loss"]) for row in rows] == LOSSES


def test_all_of_it_is_json() -> None:
    told = json.loads(json.dumps(FOUND.to_json()))
    assert (told["lr"], told["settings"], told["phase"]) == (1e-3, {"optim.lr": 1e-3}, [2, 3])
