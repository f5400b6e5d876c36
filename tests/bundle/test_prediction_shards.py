"""A folder of answers: every place of the list is in one file, and it is gone on with by the same alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from visionft.bundle import Prediction, Predictions
from visionft.bundle.photo_list import Listed
from visionft.bundle.prediction_shards import RECORD, SHARD_ROWS, Shards, Subject, shards_in
from visionft.errors import DataError, UsageError
from visionft.photos import Entry
from visionft.serving.streaming import BATCH

SUBJECT = Subject("f" * 64, "classification", ("hat", "shoe"))
PHOTOS = [Entry(f"{n}.jpg") for n in range(10)]


def begin(folder: Path, subject: Subject = SUBJECT, photos: Sequence[Entry] = PHOTOS, resume: bool = False) -> Shards:
    with shards_in(folder, subject, lambda: photos, resume=resume, rows=4) as shards:
        return shards


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def answers(number: int) -> Predictions:
    row = Prediction("a.jpg", "hat", 0, 0.75, np.array([0.75, 0.25], np.float32), False, 1.5)
    return Predictions((row,) * number, SUBJECT.classes)


def test_a_file_is_made_of_whole_batches() -> None:
    assert SHARD_ROWS % BATCH == 0


@pytest.mark.parametrize("photos", [0, 1, 3, 4, 5, 8, 1023])
@pytest.mark.parametrize("rows", [1, 4, 1024])
def test_every_place_is_in_one_file(photos: int, rows: int) -> None:
    shards = Shards(Path("x"), SUBJECT, Listed(photos, ""), rows)
    assert [place for number in shards.numbers for place in shards.indices(number)] == list(range(photos))
    assert len({shards.place(number) for number in shards.numbers}) == len(shards.numbers)


def test_what_is_there_whole_is_not_missing(tmp_path: Path) -> None:
    shards = begin(tmp_path / "a")
    assert shards.missing() == [0, 1, 2]
    shards.write(2, answers(2))
    shards.write(0, answers(4))
    assert shards.missing() == [1]
    assert pq.read_table(shards.place(2))["index"].to_pylist() == [8, 9]
    pq.write_table(answers(3).to_arrow(), shards.place(1))  # of another number of rows
    assert shards.missing() == [1]
    shards.place(0).write_bytes(shards.place(0).read_bytes()[:-9])
    assert begin(tmp_path / "a", resume=True).missing() == [0, 1]


def test_the_same_go_on_and_what_was_being_written_is_swept(tmp_path: Path) -> None:
    shards = begin(tmp_path / "a")
    (tmp_path / "a" / ".part-00001.parquet.0123456789ab.partial").write_bytes(b"half")
    with pytest.raises(UsageError, match="holds answers of an earlier call: go on with --resume, or give another"):
        begin(tmp_path / "a")
    assert begin(tmp_path / "a", resume=True) == shards == Shards.open(tmp_path / "a")
    assert names(tmp_path / "a") == ["_photos.parquet", "_predict.json"]


def test_a_folder_that_was_killed_before_its_record_is_begun_anew(tmp_path: Path) -> None:
    begin(tmp_path / "a")
    (tmp_path / "a" / RECORD).unlink()
    assert begin(tmp_path / "a", photos=PHOTOS[:3], resume=True).photos.number == 3


@pytest.mark.parametrize(("other", "said"), [
    ({"subject": replace(SUBJECT, model="e" * 64)}, "another model"),
    ({"subject": replace(SUBJECT, classes=("hat", "boot"))}, "another model"),
    ({"subject": replace(SUBJECT, adapter="x")}, "no --adapter, not --adapter x"),
    ({"subject": replace(SUBJECT, top=2)}, "--top 1, not --top 2"),
    ({"photos": PHOTOS[:9]}, r"another list of photos \(10 then, 9 now\)"),
    ({"photos": PHOTOS[::-1]}, r"another list of photos \(10 then, 10 now\)"),
])  # fmt: skip
def test_others_do_not_go_on(tmp_path: Path, other: dict[str, Subject], said: str) -> None:
    begin(tmp_path / "a").write(0, answers(4))
    with pytest.raises(UsageError, match=f"a was begun with {said}: go on with what it was begun with, or give"):
        begin(tmp_path / "a", **other, resume=True)  # type: ignore[arg-type]
    assert begin(tmp_path / "a", resume=True).missing() == [1, 2]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"holds other files, such as thesis\.tex: give a new or empty folder"):
            begin(tmp_path, resume=resume)
    assert names(tmp_path) == ["thesis.tex"]


def test_two_do_not_write_at_one_time(tmp_path: Path) -> None:
    begin(tmp_path / "a")
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match="is being written by another process: wait for it, or give another --out"):
        begin(tmp_path / "a", resume=True)
    os.close(descriptor)
    begin(tmp_path / "a", resume=True)


def test_a_list_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[Entry]:
        yield PHOTOS[0]
        raise DataError("no more")

    with (
        pytest.raises(DataError, match="no more"),
        shards_in(tmp_path / "a" / "b", SUBJECT, failing, resume=False),
    ):
        raise AssertionError
    assert names(tmp_path) == []


@pytest.mark.parametrize(("text", "said"), [
    ("{", "_predict.json cannot be read"),
    ('{"version": 99}', "was begun by another version of visionft: go on with that, or give another --out"),
])  # fmt: skip
def test_a_record_of_another_kind_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    begin(tmp_path / "a")
    (tmp_path / "a" / RECORD).write_text(text)
    with pytest.raises(UsageError, match=said):
        begin(tmp_path / "a", resume=True)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"answers cannot be written to .*: give another place"):
        begin(tmp_path / "file" / "a")
