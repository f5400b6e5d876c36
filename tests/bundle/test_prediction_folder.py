"""What a reader of a folder of answers has: counts, what was not read, and tables in the order of asking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from visionft.bundle import Prediction, Predictions, Unanswered
from visionft.bundle.prediction_folder import PredictionFolder
from visionft.bundle.prediction_shards import Subject, shards_in
from visionft.photos import Entry, Quarantined

CLASSES = ("hat", "shoe")


def made(folder: Path) -> PredictionFolder:
    rows = [Prediction(f"{n}.jpg", "hat", 0, 0.75, np.array([0.75, 0.25], np.float32), False, 1.5) for n in range(4)]
    entries = [Entry("0.jpg"), Entry("1.jpg"), Entry("2.jpg", named=False), Entry("3.jpg")]
    with shards_in(folder, Subject("", "classification", CLASSES), lambda: entries, resume=False, rows=3) as shards:
        shards.write(0, Predictions((*rows[:2], Unanswered("2.jpg", "empty file")), CLASSES))
        shards.write(1, Predictions((rows[3],), CLASSES))
        return PredictionFolder.of(shards)


def test_it_counts_and_names_what_was_not_read(tmp_path: Path) -> None:
    found = made(tmp_path / "a")
    assert (len(found), found.account.measured) == (4, 3)
    assert found.account.left_out == (Quarantined("2.jpg", "empty file"),)
    assert [row.named for row in found.unanswered] == [False]
    assert str(found) == (
        f"2.jpg  not read: empty file\n3 photos answered, 1 of 4 not read, in 2 files of {tmp_path / 'a'}"
    )


def test_its_tables_are_the_rows_in_order(tmp_path: Path) -> None:
    found = made(tmp_path / "a")
    whole = found.to_arrow()
    assert whole["index"].to_pylist() == [0, 1, 2, 3]
    assert whole["path"].to_pylist() == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert whole["problem"].to_pylist() == [None, None, "empty file", None]
    assert whole["probabilities"].to_pylist()[2] is None
    assert whole.schema.metadata[b"classes"] == b'["hat", "shoe"]'
    assert whole.equals(pa.concat_tables(found.tables()))
    assert list(found.to_pandas()["index"]) == [0, 1, 2, 3]
    assert [file.name for file in found.files] == ["part-00000.parquet", "part-00001.parquet"]
