"""Features that are kept come back as they were, thinned evenly, or the file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from visionft.errors import RunError
from visionft.runs import held_out_file, layout
from visionft.runs.held_out_file import read_held_out, write_held_out


def written(folder: Path, photos: int) -> tuple[np.ndarray, np.ndarray]:
    features = np.arange(3 * photos, dtype=np.float32).reshape(photos, 3) / 7
    labels = np.arange(photos, dtype=np.int64)
    write_held_out(folder, features, labels)
    return features, labels


def test_what_was_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    features, labels = written(tmp_path, 5)
    read, classes = read_held_out(tmp_path)
    assert (read.dtype, classes.dtype) == (np.float32, np.int64)
    assert np.array_equal(read, features)
    assert np.array_equal(classes, labels)
    assert [path.name for path in tmp_path.iterdir()] == [layout.HELD_OUT]


def test_more_photos_than_are_kept_are_thinned_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out_file, "MOST", 5)
    features, _ = written(tmp_path, 9)
    read, labels = read_held_out(tmp_path)
    assert labels.tolist() == [0, 2, 4, 6, 8]  # from the first to the last
    assert np.array_equal(read, features[::2])


def test_a_run_without_validation_photos_keeps_none(tmp_path: Path) -> None:
    written(tmp_path, 0)
    read, labels = read_held_out(tmp_path)
    assert read.shape == (0, 3)
    assert labels.shape == (0,)


@pytest.mark.parametrize(
    "tensors",
    [
        {"features": np.zeros((2, 3), np.float32)},
        {"features": np.zeros((2, 3), np.float32), "labels": np.zeros(3, np.int64)},
        {"features": np.zeros((2, 3), np.float32), "labels": np.zeros(2, np.int64), "more": np.zeros(1, np.int64)},
    ],
)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    save_file(tensors, tmp_path / layout.HELD_OUT)
    with pytest.raises(RunError, match=r"it has not the features and labels of photos"):
        read_held_out(tmp_path)


def test_a_file_that_is_gone_or_cut_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=layout.HELD_OUT):
        read_held_out(tmp_path)
    written(tmp_path, 5)
    file = tmp_path / layout.HELD_OUT
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(RunError, match="cannot be read as safetensors"):
        read_held_out(tmp_path)
