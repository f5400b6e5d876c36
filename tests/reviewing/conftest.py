"""A small catalogue under review."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visionft.reviewing import AnswerFile, Doubt, Review, queue

LABELS = {
    "hat/0.jpg": "hat", "hat/1.jpg": "hat", "hat/2.jpg": "hat", "cap/0.jpg": "cap", "cap/1.jpg": "cap",
    "cap/copy.jpg": "cap", "shoes/0.jpg": "Schuhe für Kinder",
}  # fmt: skip
DOUBTS = [
    Doubt("hat/0.jpg", "label", (0.98,), "'hat' has probability 0.02", "cap", 0.9),
    Doubt("cap/1.jpg", "confused", (2.0, 0.0, 0.6), "answered 'hat'", "hat", 0.6),
    Doubt("cap/copy.jpg", "duplicate", (1.0,), "copy: 2 copies", other="cap/0.jpg"),
]


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Return a review of seven photos, three of them doubtful."""
    for at, path in enumerate(LABELS):
        (tmp_path / "shop" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((60, 90, 3), 30 * at, np.uint8)).save(tmp_path / "shop" / path)
    classes = sorted(set(LABELS.values()))
    file = AnswerFile(tmp_path / "corrections.csv")
    return Review("shop", tmp_path / "shop", classes, queue(DOUBTS, LABELS), file, "ann", ("a note",))
