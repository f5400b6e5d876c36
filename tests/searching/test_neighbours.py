"""The graph of neighbours: built when exact search is slow, mended, and done without where it is damaged."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.searching.making import Colours, catalogue, indexed, listed, photo
from tests.searching.test_look_up import N, fill, units
from visionft.searching import neighbours
from visionft.searching.open_store import open_to_write, opened
from visionft.searching.store import NEIGHBOURS, Store


def keys(store: Store) -> list[int]:
    found = neighbours.Neighbours.of(store)
    assert found is not None
    return sorted(np.asarray(found._graph.keys, np.int64).tolist())  # a search may miss some, however many it asks for


def test_the_graph_is_brought_up_to_the_rows(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        fill(store, units(N, 0))
        assert neighbours.Neighbours.of(store) is None
        neighbours.build(store)
        assert keys(store) == store.ids().tolist()
        with store.transaction():
            store.connection.execute("DELETE FROM photos WHERE photo_number % 50 = 0")
            store.connection.execute("DELETE FROM vectors WHERE id % 50 = 0")
        fill(store, units(5, 1), N + 1)
        neighbours.build(store)
        assert keys(store) == store.ids().tolist() == [at for at in range(1, N + 6) if at % 50 or at > N]
        with store.transaction():
            store.connection.execute("DELETE FROM photos WHERE photo_number < 400")
            store.connection.execute("DELETE FROM vectors WHERE id < 400")
        neighbours.build(store)  # so much is gone that it is built anew
        assert keys(store) == store.ids().tolist()
        assert [path.name for path in (tmp_path / "index").glob(".*")] == []


def test_recall_beside_an_exact_search(tmp_path: Path) -> None:
    rows, queries = units(3000, 2), units(50, 3)
    with closing(open_to_write(tmp_path / "index")) as store:
        fill(store, rows)
        neighbours.build(store)
        near = neighbours.Neighbours.of(store)
        assert near is not None
        exact = np.argsort(-(queries @ rows.T), axis=1)[:, :10] + 1
        found = [len(set(near.nearest(query, 80)) & set(ten)) for query, ten in zip(queries, exact, strict=True)]
    assert np.mean(found) >= 9.8


def test_a_slow_exact_search_gets_neighbours_and_a_quick_one_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, index = catalogue(tmp_path / "photos"), tmp_path / "index"
    monkeypatch.setattr(neighbours, "SLOW", -1.0)
    made = indexed(index, listed(root))
    assert made.approximate
    assert "approximate neighbours are kept" in str(made)
    assert sorted(path.name for path in index.iterdir() if path.suffix != ".sqlite-wal")[0] == NEIGHBOURS
    monkeypatch.setattr(neighbours, "SLOW", 10.0)
    photo(root / "c0" / "new.png", (3, 4, 5))
    made = indexed(index, listed(root), Colours())
    assert not made.approximate
    assert not (index / NEIGHBOURS).exists()


def test_a_lost_file_is_made_again_by_the_next_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "SLOW", -1.0)
    root, index = catalogue(tmp_path / "photos"), tmp_path / "index"
    indexed(index, listed(root))
    (index / NEIGHBOURS).unlink()
    assert indexed(index, listed(root)).unchanged == 20
    assert (index / NEIGHBOURS).is_file()


def test_a_damaged_or_lost_file_is_done_without(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        fill(store, units(50, 0))
        neighbours.build(store)
    (tmp_path / "index" / NEIGHBOURS).write_bytes(b"damaged")
    with opened(tmp_path / "index") as store:
        assert neighbours.Neighbours.of(store) is None
    (tmp_path / "index" / NEIGHBOURS).unlink()
    with opened(tmp_path / "index") as store:
        assert neighbours.Neighbours.of(store) is None


def test_the_exact_search_is_timed(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        assert neighbours.exact_seconds(store, 0) == 0
        fill(store, units(50, 0))
        assert 0 < neighbours.exact_seconds(store, 50) < neighbours.exact_seconds(store, 50_000_000)
