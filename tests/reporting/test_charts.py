"""Charts: the same bytes each time, the page's colours, and nothing that asks for a file elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from visionft.reporting import charts

EPOCHS = [
    {"epoch": 0, "phase": 0, "lr": 0.0, "train_loss": None, "val_loss": 0.9, "val_top1": 0.6},
    {"epoch": 1, "phase": 1, "lr": 0.1, "train_loss": 0.8, "val_loss": 0.7, "val_top1": 0.7},
    {"epoch": 2, "phase": 2, "lr": 0.01, "train_loss": 0.5, "val_loss": 0.6, "val_top1": 0.8},
]
PHASES = [
    {"phase": 1, "first": 1, "last": 1, "unfreeze": 0.3},
    {"phase": 2, "first": 2, "last": 2, "unfreeze": 1.0},
]
BINS = [{"above": 0.8, "to": 1.0, "n": 9, "probability": 0.9, "accuracy": 0.7}]


@pytest.fixture(scope="module")
def curves() -> str:
    return charts.svg(charts.curves(EPOCHS, PHASES), "curves")


def test_an_svg_is_whole_and_named(curves: str) -> None:
    root = ET.fromstring(curves.replace("xlink:", ""))
    assert (root.tag, root.get("role"), root.get("aria-label")) == ("svg", "img", "curves")
    assert root.get("viewBox")
    assert root.get("width") is None, "it scales with the page"


def test_an_svg_takes_the_colour_of_the_text_around_it(curves: str) -> None:
    assert charts.INK not in curves
    assert curves.count("currentColor") > 10
    assert "loss (nats)" in curves, "text stays text"


def test_phases_are_marked(curves: str) -> None:
    assert curves.count("phase 1") == curves.count("phase 2") == 3
    alone = charts.svg(charts.curves(EPOCHS, PHASES[:1]), "curves")
    assert "phase 1" not in alone


def test_the_same_figures_give_the_same_text_and_file(curves: str, tmp_path: Path) -> None:
    assert charts.svg(charts.curves(EPOCHS, PHASES), "curves") == curves
    for name in ("a.png", "b.png"):
        charts.write_png(charts.curves(EPOCHS, PHASES), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_nothing_leads_elsewhere(curves: str) -> None:
    others = [charts.svg(charts.reliability(BINS), "r"), charts.svg(charts.known_scores([0.1, 0.4], 0.2), "k")]
    for text in (curves, *others):
        assert re.findall(r"https?://[^\"]*", text) == []
        assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', text))


@pytest.mark.parametrize("classes", [2, 30, 120])
def test_a_matrix_is_drawn_at_any_number_of_classes(classes: int, tmp_path: Path) -> None:
    counts = np.eye(classes, dtype=int) * 3
    charts.write_png(charts.confusion(counts.tolist(), [f"name {i}" for i in range(classes)]), tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as picture:
        width, height = picture.size
    assert min(width, height) > 300
    assert max(width, height) < 2000


def test_long_names_keep_their_ends() -> None:
    assert charts.ending("hat") == "hat"
    assert charts.ending("Packages/Yoghurt/Yoggi-Vanilla-Yoghurt").endswith("Yoggi-Vanilla-Yoghurt")
    assert len(charts.ending("x" * 100)) == charts.LETTERS
