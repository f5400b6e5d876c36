from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import visionft
from visionft.auditing.drift import Drift
from visionft.auditing.served import verdict


def test_served_photos_are_compared_with_those_of_the_run_and_need_no_labels(
    trained: Path, shapes: Path, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    for at, path in enumerate(sorted(shapes.rglob("*.jpg"))[:40]):
        dark = np.asarray(Image.open(path)) // 8
        Image.fromarray(dark).save(served / f"{at}.jpg")
    found = visionft.audit(served, against=trained, out=None)
    assert found.verdict is not None
    # The run held out 9 photos of each side: too few.
    assert found.verdict.startswith("too few photos to tell whether it is time to train")
    assert found.facts["against"]["split"] == "test"
    assert "label" not in found.counts


def test_the_verdict_is_one_sentence_either_way() -> None:
    moved = Drift(0.9, 0.85, 0.95, 0.5, (100, 100))
    assert verdict(Path("run"), "test", moved).startswith("it is time to train again: ")
    same = Drift(0.52, 0.45, 0.59, 0.0, (100, 100))
    assert verdict(Path("run"), "test", same).startswith("no need to train again: ")
    unsure = Drift(0.7, 0.6, 0.8, 0.1, (30, 30))
    assert not unsure.moved
