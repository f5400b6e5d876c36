"""The rows of an index: facts, columns, transactions, and photos by their ids."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.searching.test_look_up import N, fill, units
from visionft.searching import store as module
from visionft.searching.column_types import numbers_of
from visionft.searching.open_store import open_to_write


def test_what_a_block_did_is_undone_where_it_fails(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path)) as store:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.keep("a", 1 / len(store))
        assert store.fact("a") is None
        with store.transaction():
            store.keep("a", {"b": None})
        assert store.fact("a") == {"b": None}


def test_vectors_and_chunks_come_whole_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 128)
    rows = units(N, 0)
    with closing(open_to_write(tmp_path)) as store:
        assert list(store.vectors()) == list(store.chunks()) == []
        fill(store, rows)
        parts = list(store.vectors())
        assert len(parts) == 5
        assert np.array_equal(np.concatenate([ids for ids, _ in parts]), store.ids())
        assert np.array_equal(np.concatenate([vectors for _, vectors in parts]), rows)
        chunks = list(store.chunks(after=N - 10))
        assert [chunk.ids.tolist() for chunk in chunks] == [list(range(N - 9, N + 1))]
        assert chunks[0].products[-1] == f"label c{N % 3}"  # every tenth has no group
        assert chunks[0].products[-2] == f"group s{(N - 1) % 40}"
        some = store.chunk_of(np.array([N + 5, 7, 3]))
        assert some.ids.tolist() == [3, 7]
        assert np.array_equal(some.vectors, rows[[2, 6]])
        assert len(store.sample(50).products) == 50
        assert len(store.sample(10 * N).products) == N


def test_columns_of_any_name_hold_numbers_and_texts(tmp_path: Path) -> None:
    strange = 'a "b" ; DROP TABLE photos'
    with closing(open_to_write(tmp_path)) as store:
        store.add_columns(["price", strange])
        store.add_columns([strange, "Größe"])
        assert store.columns == ("path", "label", "split", "group", strange, "Größe")
        doubled = strange.replace('"', '""')
        row = f'INSERT INTO photos (path, photo_sha256, price, "{doubled}") VALUES (?, ?, ?, ?)'
        store.connection.execute(row, ("a.jpg", b"d", 7, "007"))
        assert store.rows([1])[1][strange] == "007"
        assert store.connection.execute("SELECT typeof(price) FROM photos").fetchone() == ("integer",)


@pytest.mark.parametrize(("texts", "values"), [
    (["1", "-20", "0"], [1, -20, 0]),
    (["1", "2.50", "-0.5"], [1.0, 2.5, -0.5]),
    (["007", "12"], ["007", "12"]),
    (["1e5", "12"], ["1e5", "12"]),
    (["1", "n/a"], ["1", "n/a"]),
    (["1.", "2"], ["1.", "2"]),
    (["nan", "inf"], ["nan", "inf"]),
    (["٣"], ["٣"]),
    (["12345678901234567890"], ["12345678901234567890"]),
    ([], []),
])  # fmt: skip
def test_a_column_is_numbers_where_every_value_is_one(texts: list[str], values: list[object]) -> None:
    given = {str(at): text for at, text in enumerate(texts)}
    found = list(numbers_of(given).values())
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
