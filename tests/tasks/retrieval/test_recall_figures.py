"""Figures by photo and by product; their intervals come from products drawn again."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import unit
from visionft.tasks.retrieval.leave_one_out import Found
from visionft.tasks.retrieval.recall_figures import of_found, recall_figures


def found(ranks: list[int], queries: list[int]) -> Found:
    n = len(ranks)
    places = np.array(ranks)
    return Found(np.array(queries), places, 1 / places, np.zeros(n, np.int64), np.zeros(n, np.float32))


def test_a_product_of_few_photos_counts_as_much_as_one_of_many() -> None:
    labels = np.array([0] * 8 + [1] * 2 + [2])  # the last photo is the only one of its product
    figures = of_found(found([1] * 8 + [2, 7], list(range(10))), labels)
    assert (figures.n, figures.queries, figures.products, figures.alone) == (11, 10, 2, 1)
    assert figures.values["recall1"] == pytest.approx(0.8)
    assert figures.values["product_recall1"] == pytest.approx(0.5)
    assert figures.values["recall5"] == pytest.approx(0.9)
    assert figures.values["product_recall5"] == pytest.approx(0.75)
    assert figures.values["recall10"] == 1
    assert figures.values["map"] == pytest.approx((8 + 1 / 2 + 1 / 7) / 10)
    assert figures.intervals["product_recall1"] == (0.0, 1.0), "either product alone may be drawn"
    assert "10 photos of 2 products searched for among the other 10; 1 photo without another" in str(figures)
    assert "recall@1   80.00%" in str(figures)
    assert "<td>recall@1</td>" in figures._repr_html_()


def test_intervals_cover_the_truth_about_as_often_as_they_say_when_products_differ() -> None:
    random, covered = np.random.default_rng(1), 0
    for trial in range(60):
        chance = random.beta(4, 2, size=40)  # of a product; its photos are alike
        hits = random.random((40, 10)) < chance[:, None]
        figures = of_found(
            found(np.where(hits, 1, 3).ravel().tolist(), list(range(400))), np.repeat(np.arange(40), 10), seed=trial,
            resamples=400,
        )  # fmt: skip
        low, high = figures.intervals["recall1"] or (0, 0)
        covered += low <= 4 / 6 <= high
    assert covered >= 50, "intervals over photos, as if those of a product were strangers, cover some 45 of 60"


def test_equal_seeds_give_equal_intervals() -> None:
    random = np.random.default_rng(0)
    embeddings, labels = unit(random.normal(size=(40, 5))), random.integers(0, 6, 40)
    assert recall_figures(embeddings, labels) == recall_figures(embeddings, labels)
    assert recall_figures(embeddings, labels).to_json()["intervals"]["map"][0] >= 0


def test_nothing_to_search_for_is_said() -> None:
    figures = recall_figures(unit(np.eye(3)), np.arange(3))
    assert (figures.queries, figures.alone, figures.recall1) == (0, 3, None)
    assert figures.headline == "nothing could be searched for: no product has two photos"
    assert "none" in str(figures)
    assert figures.to_json()["recall1"] is None


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"give \(n, E\) and \(n,\)"):
        recall_figures(np.zeros((3, 2), np.float32), np.zeros(2, np.int64))
