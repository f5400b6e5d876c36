"""The threshold and its rates, by hand; leave-one-out against a loop over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.searching.making import chunk
from visionft.searching.threshold import FEWEST, Threshold, best_cut, fit_threshold, leave_one_out, rates


def test_scores_apart_are_parted_in_the_middle_without_an_error() -> None:
    positive, negative = np.array([0.8, 0.9], np.float32), np.array([0.2, 0.6], np.float32)
    cut = best_cut(positive, negative)
    assert cut == pytest.approx(0.7)
    assert rates(cut, positive, negative) == (0.0, 0.0)


def test_scores_that_overlap_are_parted_with_the_fewest_errors() -> None:
    # From 0.75 on: 1 of 4 negatives is accepted, 1 of 5 positives refused. Any other cut has a larger sum.
    positive = np.array([0.5, 0.8, 0.81, 0.85, 0.9], np.float32)
    negative = np.array([0.1, 0.3, 0.7, 0.82], np.float32)
    cut = best_cut(positive, negative)
    assert cut == pytest.approx(0.75)
    assert rates(cut, positive, negative) == (0.25, 0.2)
    for other in np.linspace(0, 1, 101):
        assert sum(rates(float(other), positive, negative)) >= 0.45 - 1e-9


def test_leave_one_out_is_the_best_of_all_pairs_but_copies() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    products = [None if number == 5 else f"p{number % 7}" for number in range(60)]
    digests = [str(number // 2 * 2 if number < 4 else number).encode() for number in range(60)]
    every = chunk(rows, products, digests)
    asked = [at for at in range(60) if at != 5]
    queries = chunk(rows[asked], [products[at] for at in asked], [digests[at] for at in asked])
    parts = [
        chunk(rows[part], [products[at] for at in part], [digests[at] for at in part])
        for part in (range(25), range(25, 60))
    ]
    own, other = leave_one_out(queries, parts)
    for row, at in enumerate(asked):
        scores = rows[at] @ every.vectors.T
        others = [b for b in range(60) if digests[b] != digests[at] and products[b] is not None]
        assert own[row] == pytest.approx(max(scores[b] for b in others if products[b] == products[at]), abs=1e-6)
        assert other[row] == pytest.approx(max(scores[b] for b in others if products[b] != products[at]), abs=1e-6)


def photos_of(products: int, each: int, spread: float) -> tuple[np.ndarray, list[str | None]]:
    random = np.random.default_rng(1)
    centres = np.repeat(random.normal(size=(products, 32)), each, axis=0)
    rows = (centres + spread * random.normal(size=centres.shape)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), [f"p{at // each}" for at in range(products * each)]


def test_products_apart_are_told_from_what_is_not_there() -> None:
    rows, names = photos_of(20, 5, 0.1)
    found = fit_threshold(chunk(rows, names), lambda: [chunk(rows, names)])
    assert isinstance(found, Threshold)
    assert (found.false_accept, found.false_reject, found.negatives, found.positives) == (0.0, 0.0, 100, 100)
    assert 0.6 < found.value < 0.98


def test_the_rates_are_those_of_the_half_that_the_cut_was_not_fitted_to() -> None:
    rows, names = photos_of(30, 4, 0.9)
    every = chunk(rows, names)
    found = fit_threshold(every, lambda: [every])
    assert isinstance(found, Threshold)
    own, other = leave_one_out(every, [every])
    half = np.repeat(np.arange(30) % 2, 4)
    cuts = {side: best_cut(own[half != side], other[half != side]) for side in (0, 1)}
    refused = np.concatenate([own[half == side] < cuts[side] for side in (0, 1)]).mean()
    accepted = np.concatenate([other[half == side] >= cuts[side] for side in (0, 1)]).mean()
    assert (found.false_accept, found.false_reject) == (pytest.approx(accepted), pytest.approx(refused))
    assert found.value == best_cut(own, other)
    assert Threshold.from_json(found.to_json()) == found


def test_too_little_to_fit_from_is_said() -> None:
    rows, _ = photos_of(5, 3, 0.1)
    empty = chunk(rows[:0].reshape(0, 32), [])
    assert fit_threshold(empty, list) == "no photo of the index has a product or class to fit a threshold from"
    single = chunk(rows, [str(at) for at in range(15)])
    assert fit_threshold(single, lambda: [single]) == (
        "0 photos have another of their product beside them and 15 one of another product, which is too few to fit a "
        f"threshold from; each needs {FEWEST}"
    )
