"""Which of the measured photos a run knows already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from visionft.data import Column
from visionft.evaluation.seen_photos import TRAIN, VALIDATION, Seen, known_photos
from visionft.metrics import evaluate_logits
from visionft.runs import Run

CODES = np.array([TRAIN, TRAIN, VALIDATION, 0, 0], np.int8)
NEW = evaluate_logits(np.eye(2), np.array([0, 1]), ["a", "b"])


def test_photos_are_counted_by_what_the_run_did_with_them() -> None:
    seen = Seen.of(CODES, NEW)
    assert (seen.n, seen.train, seen.validation, seen.known) == (5, 2, 1, 3)
    assert seen.to_json()["new"]["top1"] == 1.0
    assert Seen.of(CODES, None).to_json() == {"train": 2, "validation": 1, "new": None}


def test_it_is_said_what_the_figures_are_worth() -> None:
    assert str(Seen.of(CODES * 0, None)) == "the run was trained on none of them"
    assert str(Seen.of(CODES, NEW)) == (
        "2 of the 5 photos are among those that the run was trained on, 1 among those that it was chosen by: without "
        f"them {NEW.headline} on 2 photos"
    )
    assert str(Seen.of(CODES[:2], None)).endswith("and no other is left: these figures say nothing about new photos")


def test_a_photo_is_known_by_its_bytes(trained: Path) -> None:
    run = Run.open(trained)
    splits = {split: list(run.manifest().rows(split).digests) for split in ("train", "validation", "test")}
    digests = [splits["train"][0], splits["validation"][0], splits["test"][0], "0" * 64]
    column = Column(pa.chunked_array([digests]))
    assert known_photos(run, column).tolist() == [TRAIN, VALIDATION, 0, 0]
