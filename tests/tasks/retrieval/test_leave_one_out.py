"""Each photo asks all the others: beside a plain loop, and where photos cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from visionft.metrics import unit
from visionft.tasks.retrieval import leave_one_out as module
from visionft.tasks.retrieval.leave_one_out import leave_one_out, nearest_photos


def made(n: int = 60, products: int = 9) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, products, n)
    centres = random.normal(size=(products, 6))
    return unit(centres[labels] + random.normal(size=(n, 6))), labels


def test_ranks_and_precision_are_those_of_a_plain_loop_and_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, labels = made()
    labels[7] = 99  # the only one of its product
    monkeypatch.setattr(module, "_CELLS", 600)  # several parts
    found = leave_one_out(embeddings, labels)
    assert found.queries.tolist() == [row for row in range(60) if row != 7]
    for place, row in enumerate(found.queries.tolist()):
        others = np.delete(np.arange(60), row)
        scores = embeddings[others] @ embeddings[row]
        same = labels[others] == labels[row]
        order = others[np.argsort(-scores)]
        assert found.ranks[place] == 1 + np.flatnonzero(labels[order] == labels[row])[0]
        assert found.nearest[place] == order[0]
        assert found.score[place] == pytest.approx(scores.max(), abs=1e-6)
        assert found.precision[place] == pytest.approx(average_precision_score(same, scores))


def test_photos_that_all_look_alike_find_nothing() -> None:
    found = leave_one_out(np.tile(unit(np.ones((1, 4))), (6, 1)), np.array([0, 0, 0, 1, 1, 1]))
    assert set(found.ranks.tolist()) == {4}, "the three of the other product come first"
    assert all((row < 3) != (near < 3) for row, near in enumerate(found.nearest.tolist()))


def test_products_of_one_photo_ask_nothing_and_are_searched() -> None:
    angles = np.radians([0, 30, 10, 90])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = leave_one_out(embeddings, np.array([5, 5, 7, 8]))
    assert found.queries.tolist() == [0, 1]
    assert found.ranks.tolist() == [2, 2], "the photo of product 7 lies between them"
    assert len(leave_one_out(embeddings, np.arange(4)).queries) == 0


def test_what_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        leave_one_out(np.full((3, 2), np.nan, np.float32), np.array([0, 0, 1]))


@pytest.mark.parametrize("n", [1003, 517])
def test_embeddings_that_are_equal_are_equally_near_at_the_edges_of_a_matrix_too(n: int) -> None:
    one = unit(np.random.default_rng(0).normal(size=(1, 256)))
    found = leave_one_out(np.tile(one, (n, 1)), np.arange(n) % 2)
    assert (found.ranks == 1).sum() == 0
    assert found.ranks.min() > n // 2 - 1


def test_the_nearest_photos_are_those_of_a_full_sort() -> None:
    random = np.random.default_rng(3)
    embeddings = unit(random.normal(size=(40, 6)).astype(np.float32))
    labels = np.arange(40) // 2
    queries = np.array([0, 7, 39])
    rows, cosines = nearest_photos(embeddings, labels, queries, 5)
    for query, row, cosine in zip(queries, rows, cosines, strict=True):
        scores = embeddings @ embeddings[query]
        expected = [at for at in np.argsort(-scores) if at != query][:5]
        assert row.tolist() == expected
        assert np.allclose(cosine, scores[expected], atol=1e-6)
    assert np.array_equal(rows[:, 0], leave_one_out(embeddings, labels).nearest[queries])


def test_of_equally_near_photos_strangers_come_first_and_few_photos_are_all() -> None:
    embeddings = np.ones((4, 1), np.float32)
    rows, _ = nearest_photos(embeddings, np.array([0, 0, 1, 1]), np.array([0]), 5)
    assert rows.tolist() == [[2, 3, 1]]
    assert nearest_photos(embeddings[:1], np.array([0]), np.array([], np.int64), 5)[0].shape == (0, 0)
