"""Pairs of near photos: those of a loop over all, exactly and through neighbours, by photo and by product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.searching.making import ORIGIN
from visionft.searching import look_alikes as module
from visionft.searching import neighbours
from visionft.searching.look_alikes import MOST, copies, look_alikes
from visionft.searching.open_store import open_to_write
from visionft.searching.store import Store

N, D, ABOVE = 150, 6, 0.8


def vectors(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, D))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")


def fill(store: Store, rows: np.ndarray, marks: list[bytes], first: int = 1) -> None:
    with store.transaction():
        store.keep("origin", {**ORIGIN.to_json(), "numbers": D})
        for number, (vector, mark) in enumerate(zip(rows, marks, strict=True), first):
            row = (number, f"{number}.jpg", mark, f"c{number % 3}", f"s{number % 7}" if number % 2 else None)
            store.connection.execute("INSERT INTO photos VALUES (?, ?, ?, ?, NULL, ?)", row)
            store.connection.execute("INSERT INTO vectors VALUES (?, ?)", (number, vector.tobytes()))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_to_write(tmp_path / "index")) as found:
        fill(found, vectors(N), [number.to_bytes(4, "big") for number in range(N)])
        yield found


def product(number: int) -> str:
    return f"group s{number % 7}" if number % 2 else f"label c{number % 3}"


def by_a_loop(per_product: bool = False, only: set[int] | None = None) -> dict[tuple[int, int], float]:
    rows = vectors(N)
    found: dict[tuple[int, int], float] = {}
    best: dict[tuple[str, ...], tuple[float, tuple[int, int]]] = {}
    for a, b in combinations(range(1, N + 1), 2):
        score = float(rows[a - 1] @ rows[b - 1])
        if score < ABOVE or (only is not None and not {a, b} <= only):
            continue
        found[a, b] = score
        pair = tuple(sorted((product(a), product(b))))
        if product(a) != product(b):
            best[pair] = max(best.get(pair, (-2.0, (0, 0))), (score, (a, b)))
    return {pair: score for score, pair in best.values()} if per_product else found


def told(store: Store, **asked: object) -> dict[tuple[int, int], float]:
    pairs, scores = look_alikes(store, ABOVE, **asked)  # type: ignore[arg-type]
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    return {(a, b): score for (a, b), score in zip(pairs.tolist(), scores.tolist(), strict=True)}


@pytest.mark.parametrize("block", [512, 64, 7])
@pytest.mark.parametrize("per_product", [False, True])
def test_pairs_are_those_of_a_loop(
    store: Store, per_product: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    steps: list[tuple[int, int]] = []
    expected = by_a_loop(per_product)
    found = told(store, per_product=per_product, on_progress=lambda *done: steps.append(done))
    assert len(expected) > 15
    assert found == pytest.approx(expected, abs=1e-6)
    assert steps[-1] == (N, N)


def test_photos_that_a_condition_leaves_out_do_not_count(store: Store) -> None:
    only = np.arange(1, N + 1, 2)
    assert told(store, allowed=only) == pytest.approx(by_a_loop(only=set(only.tolist())), abs=1e-6)
    assert told(store, allowed=np.empty(0, np.int64)) == {}


def test_neighbours_find_what_a_loop_finds_with_photos_that_they_do_not_know(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = vectors(N)
    monkeypatch.setattr(module, "FEW", 0)
    with store.transaction():
        for name, key in (("photos", "photo_number"), ("vectors", "id")):
            store.connection.execute(f"DELETE FROM {name} WHERE {key} > ?", (N - 20,))
    neighbours.build(store)
    fill(store, rows[N - 20 :], [number.to_bytes(4, "big") for number in range(N - 20, N)], N - 19)
    with store.transaction():  # one that the graph knows and that is gone
        store.connection.execute("DELETE FROM photos WHERE photo_number = 5")
        store.connection.execute("DELETE FROM vectors WHERE id = 5")
    expected = {pair: score for pair, score in by_a_loop().items() if 5 not in pair}
    assert told(store) == pytest.approx(expected, abs=1e-6)


def test_copies_are_groups_and_one_stands_for_all(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        rows = np.repeat(vectors(2), 3, axis=0)
        fill(store, rows, [b"a", b"a", b"b", b"c", b"c", b"c"])
        assert copies(store) == [[1, 2], [4, 5, 6]]
        assert copies(store, np.array([1, 3, 5, 6])) == [[5, 6]]
        assert told(store) == {(1, 3): pytest.approx(1, abs=1e-6)}
        assert told(store, allowed=np.array([2, 3])) == {(2, 3): pytest.approx(1, abs=1e-6)}


def test_one_picture_in_many_files_is_told_of_its_nearest(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        n = 3 * MOST
        fill(store, np.repeat(vectors(1), n, axis=0), [bytes([number]) for number in range(n)])
        assert MOST <= len(told(store)) <= n * MOST


@pytest.mark.parametrize("approximate", [False, True])
def test_the_twin_of_a_product_of_many_alike_photos_is_found(
    tmp_path: Path, approximate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photos of its own product are nearer to each photo than those of the twin, and more than are told."""
    rows = np.random.default_rng(1).normal(0, 0.01, (2 * (MOST + 5), D)) + np.array([1, 0, 0, 0, 0, 0])
    rows[MOST + 5 :] += np.array([0, 0.4, 0, 0, 0, 0])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")
    with closing(open_to_write(tmp_path / "index")) as store:
        fill(store, rows, [bytes([number]) for number in range(len(rows))])
        store.connection.execute(f"UPDATE photos SET \"group\" = 's' || (photo_number > {MOST + 5})")
        if approximate:
            monkeypatch.setattr(module, "FEW", 0)
            neighbours.build(store)
        pairs, scores = look_alikes(store, ABOVE, per_product=True)
    assert len(pairs) == 1
    assert scores[0] == pytest.approx(float((rows[: MOST + 5] @ rows[MOST + 5 :].T).max()), abs=1e-6)


def test_an_empty_index_has_none(tmp_path: Path) -> None:
    with closing(open_to_write(tmp_path / "index")) as store:
        assert (told(store), copies(store)) == ({}, [])
