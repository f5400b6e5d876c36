"""Photos of a small taxonomy, a run that learnt them and its bundle; no test may change these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import visionft as vft

PARENTS = {"disc": "round/disc", "square": "straight/square", "stripes": "straight/stripes"}
COARSE = 5
"""Of each twenty squares and stripes, those that are labelled `straight` alone."""


@pytest.fixture(scope="session")
def nested(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of the shapes, a quarter of the straight ones labelled above their leaf."""
    rows = []
    for photo in sorted(shapes.rglob("*.jpg")):
        label, number = PARENTS[photo.parent.name], int(photo.stem)
        coarse = label.startswith("straight") and number < COARSE
        side = "train" if number < 12 else "validation" if number < 16 else "test"
        rows.append(f"{photo},{'straight' if coarse else label},{side}")
    place = tmp_path_factory.mktemp("nested") / "nested.csv"
    place.write_text("\n".join(["path,label,split", *rows]) + "\n")
    return place


@pytest.fixture(scope="session")
def solved(small: dict[str, Any]) -> dict[str, Any]:
    """Return the flags of a solved head."""
    kept = {name: small[name] for name in ("hardware.workers", "hardware.threads", "hardware.device")}
    pico = {"backbone": "visionft_pico", "weights": "auto", "preprocess.size": 32, "method": "head"}
    return {**kept, **pico, "task": "hierarchical", "say": lambda _: None}


@pytest.fixture(scope="session")
def run(nested: Path, solved: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    return vft.fit(nested, out=tmp_path_factory.mktemp("hierarchical") / "run", **solved)


@pytest.fixture(scope="session")
def trained_run(nested: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> vft.Run:
    """Return a run of a network that is exported in a second."""
    out = tmp_path_factory.mktemp("trained") / "run"
    return vft.fit(nested, out=out, **{**small, "task": "hierarchical", "say": lambda _: None})


@pytest.fixture(scope="session")
def bundle(trained_run: vft.Run) -> Path:
    return vft.export(trained_run).bundle
