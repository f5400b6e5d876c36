"""One way from items to rows: whichever files are written, in any order, they hold the same, in bounded memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from visionft.bundle import Answer, Prediction
from visionft.bundle.answers import answers_of
from visionft.bundle.prediction_shards import Shards, Subject, shards_in
from visionft.photos import Entry
from visionft.serving.answerer import Answerer
from visionft.serving.streaming import BATCH

ROWS = 2 * BATCH
SUBJECT = Subject("", "classification", ("dark", "bright"))


class Counting:
    """Rows of the task, and how many of them were alive at one time."""

    def __init__(self) -> None:
        self.table, self.alive, self.most = answers_of("classification"), weakref.WeakSet[Any](), 0

    def row(self, name: str, answer: Answer) -> Prediction:
        row: Prediction = self.table.row(name, answer)
        self.alive.add(row)
        self.most = max(self.most, len(self.alive))
        return row

    def predictions(self, rows: Any, classes: Any) -> Any:
        return self.table.predictions(rows, classes)


def answer(inputs: Sequence[NDArray[np.uint8]]) -> list[Answer]:
    """Answer by the mean level, and by how many photos were asked together."""
    together = np.float32(len(inputs))
    bright = [np.float32(photo.mean() / 255) for photo in inputs]
    return [
        Answer("bright", 1, float(b), np.array([1 - b, b], "f4"), np.array([together, b]), np.ones(1, "f4"), 1.0, False)
        for b in bright
    ]


def answerer(table: Any = None) -> Answerer:
    return Answerer(lambda photo: photo, answer, table or answers_of("classification"), SUBJECT.classes)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    folder = tmp_path_factory.mktemp("levels")
    for level in range(7):
        Image.new("RGB", (2, 2), (level * 30,) * 3).save(folder / f"{level}.png")
    return [Entry(str(folder / f"{n % 8}.png")) for n in range(10 * ROWS + 5)]  # an eighth is not there


def written(folder: Path, photos: list[Entry], order: Sequence[Sequence[int]]) -> Shards:
    with shards_in(folder, SUBJECT, lambda: photos, resume=True, rows=ROWS) as shards:
        for numbers in order:
            assert list(answerer().write(shards, numbers))[-1] == sum(len(shards.indices(n)) for n in numbers)
    return shards


def test_whichever_files_are_written_they_are_the_same(tmp_path: Path, photos: list[Entry]) -> None:
    whole = written(tmp_path / "whole", photos, [range(11)])
    parts = written(tmp_path / "parts", photos, [[3], [0, 5, 10], [9, 1], [2, 4, 6, 7], [8]])
    assert whole.missing() == parts.missing() == []
    for number in whole.numbers:
        assert whole.place(number).read_bytes() == parts.place(number).read_bytes()


def test_they_hold_what_the_answers_in_memory_hold(tmp_path: Path, photos: list[Entry]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shards = written(tmp_path / "a", photos, [range(11)])
    tables = pa.concat_tables(pq.read_table(shards.place(number)) for number in shards.numbers)
    assert tables["index"].to_pylist() == list(range(len(photos)))
    assert tables.drop_columns("index").equals(answerer().predictions(e.item() for e in photos).to_arrow())
    assert tables["problem"].null_count == sum(Path(entry.path).exists() for entry in photos)


def test_what_is_held_does_not_grow_with_the_photos(tmp_path: Path, photos: list[Entry]) -> None:
    counting = Counting()
    with shards_in(tmp_path / "a", SUBJECT, lambda: photos, resume=False, rows=ROWS) as shards:
        for _ in answerer(counting).write(shards, shards.numbers):
            pass
    assert shards.missing() == []
    assert counting.most <= 2 * ROWS + BATCH  # of all, 645
