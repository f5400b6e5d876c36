"""Embeddings as rows, files and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from visionft.bundle.prediction_rows import Unanswered
from visionft.errors import UsageError
from visionft.metrics import unit
from visionft.tasks.retrieval.answers import ANSWERS

VECTORS = unit(np.random.default_rng(0).normal(size=(2, 6)))


def table() -> object:
    rows = [ANSWERS.row(f"{number}.jpg", answer) for number, answer in enumerate(ANSWERS.split([VECTORS]))]
    return ANSWERS.predictions((*rows, Unanswered("bad.jpg", "it is empty")), ("a", "b"))


def test_what_is_answered_is_one_tensor() -> None:
    assert [(row.name, row.direction, tuple(row.shape)) for row in ANSWERS.tensors(3, 64)] == [
        ("image", "in", ("N", "H", "W", 3)), ("embedding", "out", ("N", 64)),
    ]  # fmt: skip
    (answer, _) = ANSWERS.split([VECTORS])
    assert answer.logits is answer.embedding
    assert ANSWERS.fits(answer, ())
    assert ANSWERS.plain(answer, (), 1) == {"embedding": VECTORS[0].tolist()}
    assert ANSWERS.subject(1) == "embeddings learnt from 1 product"


def test_rows_are_shown_short_and_written_whole(tmp_path: Path) -> None:
    found = table()
    assert f"0.jpg  6 numbers: {VECTORS[0][0]:.3f}, " in str(found)
    assert "bad.jpg  not read: it is empty" in str(found)
    assert "<th>embedding</th>" in found._repr_html_()  # type: ignore[attr-defined]
    found.write(tmp_path / "a.jsonl")  # type: ignore[attr-defined]
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows[1]["embedding"] == VECTORS[1].tolist()
    assert rows[2] == {"path": "bad.jpg", "problem": "it is empty", "embedding": None}
    found.write(tmp_path / "a.parquet")  # type: ignore[attr-defined]
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").column_names == ["path", "problem", "embedding"]
    found.write(tmp_path / "a.csv")  # type: ignore[attr-defined]
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "path,problem"


def test_several_answers_a_photo_are_refused() -> None:
    with pytest.raises(UsageError, match=r"top is 2, and a photo has one embedding: leave it out, or ask an index"):
        table().with_top(2)  # type: ignore[attr-defined]
