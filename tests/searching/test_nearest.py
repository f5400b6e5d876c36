"""Exact search: the same rows as a full sort by numpy, ties by the order of rows, one row a product."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.searching.nearest import best_of_products, best_rows, cosines, numbered


def units(n: int, d: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("top", [1, 10, 499, 500, 600])
def test_the_best_rows_are_those_of_a_full_sort(top: int) -> None:
    gallery, query = units(500, 16, 0), units(1, 16, 1)[0]
    scores = cosines(gallery, query)
    exact = gallery.astype(np.float64) @ query.astype(np.float64)
    assert np.abs(scores - exact).max() < 1e-6
    assert best_rows(scores, top).tolist() == np.argsort(-scores, kind="stable")[:top].tolist()


def test_of_equal_scores_the_first_rows_come_first() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.9, 0.5, 0.1], np.float32)
    assert best_rows(scores, 3).tolist() == [1, 3, 0]
    assert best_rows(scores, 4).tolist() == [1, 3, 0, 2]


def test_one_row_a_product_is_its_best_photo() -> None:
    scores = np.array([0.1, 0.9, 0.8, 0.95, 0.7, 0.6], np.float32)
    products = np.array([0, 1, 1, 2, 0, 3])
    assert best_of_products(scores, products, 10).tolist() == [3, 1, 4, 5]
    assert best_of_products(scores, products, 2).tolist() == [3, 1]


def test_one_row_a_product_agrees_with_a_dictionary() -> None:
    random = np.random.default_rng(2)
    scores, products = random.normal(size=400).astype(np.float32), random.integers(0, 37, 400)
    best: dict[int, int] = {}
    for row in np.argsort(-scores, kind="stable").tolist():
        best.setdefault(int(products[row]), row)
    assert best_of_products(scores, products, 37).tolist() == list(best.values())


def test_a_photo_without_a_product_is_a_product_of_its_own() -> None:
    numbers = numbered(["a", None, "a", None, "b"])
    assert numbers[0] == numbers[2]
    assert len(set(numbers.tolist())) == 4
