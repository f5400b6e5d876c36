"""What several benchmarks are tried on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def split(shapes: Path, tmp_path: Path) -> Path:
    """Return a split folder of three classes: 24 photos to train on, 18 each to validate and test on."""
    for kind in shapes.iterdir():
        for number, path in enumerate(sorted(kind.iterdir())):
            place = tmp_path / "photos" / ("train" if number < 8 else "validation" if number < 14 else "test")
            (place / kind.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place / kind.name)
    return tmp_path / "photos"
