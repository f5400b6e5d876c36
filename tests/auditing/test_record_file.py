from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visionft.auditing.record_file import RecordFile, places
from visionft.errors import DiskSpaceError

DTYPE = [("key", "<u8"), ("value", "<f4", (3,))]


def filled(file: RecordFile, keys: list[int]) -> None:
    records = file.empty(len(keys))
    records["key"], records["value"] = keys, np.outer(keys, [1, 2, 3])
    file.add(records)


def test_what_was_added_is_found_by_its_key(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "deep" / "a.bin", DTYPE)
    assert places(file.read(), np.array([7], np.uint64)).tolist() == [-1]
    filled(file, [7, 3])
    filled(file, [9])
    records = file.read()
    rows = places(records, np.array([3, 8, 9], np.uint64))
    assert rows.tolist() == [1, -1, 2]
    assert records["value"][rows[0]].tolist() == [3, 6, 9]


def test_a_torn_record_is_cut_off_and_a_changed_one_is_unknown(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "a.bin", DTYPE)
    filled(file, [1, 2])
    size = file.dtype.itemsize
    with file.path.open("ab") as torn:
        torn.write(b"x" * (size - 5))
    filled(file, [3])
    assert file.path.stat().st_size == 3 * size
    data = bytearray(file.path.read_bytes())
    data[10] ^= 1
    file.path.write_bytes(data)
    assert places(file.read(), np.array([1, 2, 3], np.uint64)).tolist() == [-1, 1, 2]
    filled(file, [1])
    assert places(file.read(), np.array([0, 1, 2, 3, 4], np.uint64)).tolist() == [-1, 3, 1, 2, -1]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DiskSpaceError, match=r"taken/a.bin cannot be written .*VISIONFT_CACHE"):
        filled(RecordFile(tmp_path / "taken" / "a.bin", DTYPE), [1])
