"""Fixtures of the report's tests: evaluations of any number of classes, made of drawn photos and drawn logits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from visionft.classes import Classes
from visionft.data import Column, Rows
from visionft.evaluation import Evaluation
from visionft.evaluation.evaluation import Measured
from visionft.photos import Account, digest

MARK = b"taken at 48.8584 N"
"""Stands in the EXIF of every photo here, and must stand in no page."""
Make = Callable[[int, int], Evaluation]


@pytest.fixture
def evaluated(tmp_path: Path) -> Make:
    """Return a maker of an evaluation of C classes and n photos, written into `tmp_path`/figures."""

    def make(classes: int, n: int) -> Evaluation:
        random = np.random.default_rng(classes)
        names = [f"class {number:03}" for number in range(classes)]
        labels = np.arange(n) % classes
        logits = random.normal(0, 1, (n, classes)).astype(np.float32)
        logits[np.arange(n), labels] += np.where(random.random(n) < 0.7, 4, 0)
        root = tmp_path / "photos"
        root.mkdir()
        paths = [f"{names[label]} {number:04}.jpg" for number, label in enumerate(labels)]
        for path in paths:
            draw(root / path, random)
        digests = [digest((root / path).read_bytes()) for path in paths]
        rows = Rows(Column(pa.array(paths)), labels.astype(np.int64), Column(pa.array(digests)))
        measured = Measured("test", rows, root, Account(n, n))
        found = Evaluation.of(tmp_path / "some run", measured, Classes(tuple(names)), logits)
        found.write(tmp_path / "figures")
        return found

    return make


def draw(path: Path, random: np.random.Generator) -> None:
    """Write a noisy photo, which no codec makes small, with metadata that must not travel."""
    pixels = random.integers(0, 256, (60, 80, 3), np.uint8)
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()
    Image.fromarray(pixels).resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90, exif=exif)
