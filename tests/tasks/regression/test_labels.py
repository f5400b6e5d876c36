"""Numbers as labels: what is read, what is refused in a sentence, and how they are split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft import data
from visionft.data import SPLITS
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.regression.labels import statistics

PATHS = [f"{kind}/{number:02}.jpg" for kind in ("disc", "square") for number in range(20)]


def listed(shapes: Path, place: Path, labels: list[str], split: str = "") -> Path:
    column = ",split" if split else ""
    rows = [f"{shapes}/{path},{label}{f',{split}' if split else ''}" for path, label in zip(PATHS, labels, strict=True)]
    place.write_text("\n".join([f"path,price{column}", *rows]) + "\n")
    return place


def prepared(manifest: Path) -> data.Manifest:
    return data.prepare(manifest, DataSettings(label_column="price"), task="regression")


def test_numbers_become_float32_and_every_split_has_some(shapes: Path, tmp_path: Path) -> None:
    wanted = [str(number / 4) for number in range(40)]
    manifest = prepared(listed(shapes, tmp_path / "prices.csv", wanted))
    by_path = dict(zip(PATHS, wanted, strict=True))
    assert len(manifest.classes) == 0
    for split in SPLITS:
        rows = manifest.rows(split)
        assert len(rows) > 0
        assert rows.labels.dtype == np.float32
        assert rows.labels.tolist() == [float(by_path["/".join(Path(path).parts[-2:])]) for path in rows.paths]
    assert sum(counts["photos"] for counts in manifest.counts().values()) == 40
    assert data.summary(manifest).startswith("40 photos of 40 different numbers: ")
    assert "  train " in data.summary(manifest)


def test_a_parquet_column_of_floats_is_read(shapes: Path, tmp_path: Path) -> None:
    numbers = np.linspace(-1.5, 2.25, 40)
    table = pa.table({"path": [str(shapes / path) for path in PATHS], "price": numbers})
    pq.write_table(table, tmp_path / "prices.parquet")
    manifest = prepared(tmp_path / "prices.parquet")
    found = np.concatenate([manifest.rows(split).labels for split in SPLITS])
    assert np.allclose(np.sort(found), numbers.astype(np.float32))


def test_statistics_are_those_of_the_population() -> None:
    assert statistics(np.array([1.0, 3.0], np.float32)) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("cheap", "the label 'cheap', which is no finite number: write numbers as 12 or 3.5, or name another column"),
        ('"3,5"', "with a point in place of the comma"),
        ("inf", "no finite number"),
        ("nan", "no finite number"),
        ("1e39", "no finite number"),  # beyond float32
        ("1_000", "no finite number"),
    ],
)
def test_what_is_no_number_is_one_sentence(shapes: Path, tmp_path: Path, label: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        prepared(listed(shapes, tmp_path / "prices.csv", [label, *(["1"] * 39)]))


def test_one_number_for_all_teaches_nothing(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gives every photo the same number \(7\): there is nothing to learn from it"):
        prepared(listed(shapes, tmp_path / "prices.csv", ["7", "7.0"] * 20))


def test_a_split_without_training_photos_is_refused(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no photo in train"):
        prepared(listed(shapes, tmp_path / "prices.csv", [str(number) for number in range(40)], "validation"))


def test_a_folder_has_no_numbers(shapes: Path) -> None:
    with pytest.raises(DataError, match="is a folder, and the task regression learns a number for each photo: give a"):
        prepared(shapes)


def test_a_row_without_a_number_is_left_out_and_counted(shapes: Path, tmp_path: Path) -> None:
    manifest = prepared(listed(shapes, tmp_path / "prices.csv", ["", *(str(number) for number in range(39))]))
    assert (len(manifest), manifest.account.asked) == (39, 40)
