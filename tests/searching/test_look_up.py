"""Looking up: exact and through neighbours alike, with conditions and products, while rows come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.searching.making import ORIGIN
from visionft.searching import look_up as module
from visionft.searching import neighbours
from visionft.searching.look_up import Question, look_up
from visionft.searching.open_store import open_to_write
from visionft.searching.store import Store

N, D = 600, 24


def fill(store: Store, vectors: np.ndarray, first: int = 1) -> None:
    with store.transaction():
        store.keep("origin", {**ORIGIN.to_json(), "numbers": D})
        for number, vector in enumerate(vectors, first):
            group = None if number % 10 == 0 else f"s{number % 40}"
            row = (number, f"{number}.jpg", number.to_bytes(4, "big"), f"c{number % 3}", group)
            store.connection.execute("INSERT INTO photos VALUES (?, ?, ?, ?, NULL, ?)", row)
            store.connection.execute("INSERT INTO vectors VALUES (?, ?)", (number, vector.tobytes()))


def units(n: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, D)).astype("<f4")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_to_write(tmp_path / "index")) as opened:
        fill(opened, units(N, 0))
        yield opened


def paths(store: Store, query: np.ndarray, question: Question) -> list[str]:
    return [hit.path for hit in look_up(store, [query], question)[0]]


@pytest.fixture(params=["exact", "neighbours"])
def way(request: pytest.FixtureRequest, store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "neighbours":
        with store.transaction():
            neighbours.build(store)
        assert neighbours.Neighbours.of(store) is not None
        monkeypatch.setattr(module, "FEW", 0 if request.node.name.startswith("test_a_condition_of_few") else 5000)
    return str(request.param)


def test_hits_are_numpy_s_with_their_scores(store: Store, way: str) -> None:
    query = units(1, 1)[0]
    (hits,) = look_up(store, [query], Question(top=20))
    scores = units(N, 0) @ query
    order = np.argsort(-scores, kind="stable")[:20]
    assert [hit.path for hit in hits] == [f"{at + 1}.jpg" for at in order]
    assert np.allclose([hit.score for hit in hits], scores[order], atol=1e-6)
    at = int(order[0]) + 1
    assert (hits[0].label, hits[0].group) == (f"c{at % 3}", None if at % 10 == 0 else f"s{at % 40}")


def test_one_hit_a_product_and_else_a_class(store: Store, way: str) -> None:
    query = units(1, 2)[0]
    (hits,) = look_up(store, [query], Question(top=30, per_product=True))
    best: dict[str, str] = {}
    for row in np.argsort(-(units(N, 0) @ query), kind="stable").tolist():
        number = row + 1
        best.setdefault(f"c{number % 3}" if number % 10 == 0 else f"s{number % 40}", f"{number}.jpg")
    assert [hit.path for hit in hits] == list(best.values())[:30]


@pytest.mark.parametrize("kept", [7, 300])
def test_a_condition_of_few_or_many_photos(store: Store, way: str, kept: int) -> None:
    query = units(1, 3)[0]
    allowed = np.sort(np.random.default_rng(4).choice(np.arange(1, N + 1), kept, replace=False))
    scores = units(N, 0)[allowed - 1] @ query
    expected = [f"{allowed[at]}.jpg" for at in np.argsort(-scores, kind="stable")[:10]]
    assert paths(store, query, Question(top=10, allowed=allowed)) == expected


def test_nothing_is_allowed_or_there(store: Store, way: str) -> None:
    assert paths(store, units(1, 3)[0], Question(allowed=np.empty(0, np.int64))) == []


def test_rows_that_came_or_went_since_the_neighbours_were_built(store: Store, way: str) -> None:
    query = units(1, 5)[0]
    first = paths(store, query, Question(top=3))
    with store.transaction():
        for table, key in (("photos", "photo_number"), ("vectors", "id")):
            store.connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (int(first[0].split(".")[0]),))
    fill(store, query[None], N + 1)
    assert paths(store, query, Question(top=3)) == [f"{N + 1}.jpg", *first[1:]]


def test_several_queries_have_their_hits_each(store: Store, way: str) -> None:
    queries = units(5, 6)
    found = look_up(store, list(queries), Question(top=2))
    assert [[hit.path for hit in hits] for hits in found] == [paths(store, query, Question(top=2)) for query in queries]
