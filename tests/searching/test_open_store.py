"""Opening an index to read: what is there, what is not, and on a disk that cannot be written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.searching.making import catalogue, contents_of, indexed, listed
from visionft.errors import SearchIndexError
from visionft.searching import open_store as module
from visionft.searching.open_store import open_to_write, opened, reader
from visionft.searching.store import PHOTOS


def test_what_is_no_index_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(SearchIndexError, match=r"there is no index at .*; make one with `visionft index"),
        opened(tmp_path),
    ):
        pass
    (tmp_path / PHOTOS).write_bytes(b"damaged" * 1000)
    with pytest.raises(SearchIndexError, match=r"cannot be used \(file is not a database"), opened(tmp_path):
        pass
    (tmp_path / PHOTOS).unlink()
    with closing(sqlite3.connect(tmp_path / PHOTOS)) as other:
        other.execute("CREATE TABLE t (a)")
        other.commit()
    with (
        pytest.raises(SearchIndexError, match="is no index of visionft; give another folder"),
        opened(tmp_path),
    ):
        pass


def test_an_index_that_is_empty_or_newer_is_said(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path)) as store:
        pass
    with (
        pytest.raises(SearchIndexError, match="is empty; run the `visionft index` that"),
        opened(tmp_path),
    ):
        pass
    with closing(sqlite3.connect(tmp_path / PHOTOS)) as other:
        other.execute("PRAGMA user_version = 3")
    with pytest.raises(SearchIndexError, match="has format 3 and this visionft reads 1 and 2; use"), opened(tmp_path):
        pass
    assert store.folder == tmp_path


def test_a_reader_can_change_nothing(tmp_path: Path) -> None:
    indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos")))
    with closing(reader(tmp_path / "index")) as connection:
        for statement in ("DELETE FROM photos", "DROP TABLE vectors", "CREATE TABLE t (a)"):
            with pytest.raises(sqlite3.OperationalError, match=r"readonly|read-only"):
                connection.execute(statement)


def test_an_index_on_a_disk_that_cannot_be_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "index"
    indexed(folder, listed(catalogue(tmp_path / "photos")))
    for left in folder.glob(f"{PHOTOS}-*"):
        left.unlink()
    monkeypatch.setattr(module.os, "access", lambda place, mode: False)
    with opened(folder) as store:
        assert len(contents_of(store)) == 20
    assert [path.name for path in folder.iterdir()] == [PHOTOS]  # no log was made beside it


def test_a_full_disk_is_said_as_such() -> None:
    error = module.told(Path("index"), sqlite3.OperationalError("database or disk is full"))
    assert str(error) == "the index index cannot grow (the disk is full); make room, and run it again"
