"""The mathematics of slices: exact chances, Holm's correction, and what is named if nothing or something is wrong."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from visionft.metrics import slices
from visionft.metrics.slices import LEVEL, at_most, holm

CLASSES = [f"class {number}" for number in range(10)]


def test_the_chance_of_one_class_is_that_of_all_draws_counted() -> None:
    right = [True] * 4 + [False] * 3
    draws = list(combinations(right, 3))
    for hits in range(4):
        share = sum(sum(draw) <= hits for draw in draws) / len(draws)
        assert at_most(hits, [(7, 4, 3)]) == pytest.approx(share)


def test_the_chance_of_two_classes_is_that_of_all_pairs_of_draws_counted() -> None:
    first, second = list(combinations([1, 1, 0, 0, 0], 2)), list(combinations([1, 1, 1, 0], 3))
    for hits in range(6):
        share = np.mean([sum(a) + sum(b) <= hits for a in first for b in second])
        assert at_most(hits, [(5, 2, 2), (4, 3, 3)]) == pytest.approx(share)


def test_a_slice_that_is_all_of_its_classes_cannot_be_worse() -> None:
    assert at_most(3, [(5, 3, 5)]) == pytest.approx(1.0)


def test_holm_is_what_his_paper_does_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return labels, right answers and suppliers, which have nothing to do with one another."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, n)
    hard = np.linspace(0.6, 0.98, 10)  # classes differ, and that is no supplier's fault
    right = random.random(n) < hard[labels]
    return labels, right, random.choice(["north", "south", "east", "west"], n).tolist()


def test_where_nothing_is_wrong_one_is_named_in_one_of_twenty_sets_at_most() -> None:
    named = [any(one.named for one in slices({"supplier": column}, labels, right, CLASSES))
             for labels, right, column in (drawn(seed) for seed in range(200))]  # fmt: skip
    # 5 % of 200 are 10; an exact test is cautious, and 17 would come by chance in one of fifty trials.
    assert sum(named) <= 10 + 7


@pytest.mark.parametrize("seed", range(10))
def test_one_suppliers_darkened_class_is_named_first(seed: int) -> None:
    labels, right, column = drawn(seed, 600)
    planted = (labels == 7) & (np.array(column) == "east")
    right[planted] = False
    first, *others = slices({"supplier": column}, labels, right, CLASSES)
    assert (first.column, first.value, first.within) == ("supplier", "east", "class 7")
    assert first.named
    assert first.adjusted < LEVEL
    assert (first.n, first.accuracy) == (int(planted.sum()), 0.0)
    assert all(one.value == "east" for one in others if one.named)


def test_hard_classes_are_no_fault_of_who_supplies_them() -> None:
    """Every photo of the worse half comes from one supplier: its accuracy is low, and as its classes have it."""
    labels, right, _ = drawn(1, 2000)
    random = np.random.default_rng(5)
    column = np.where(random.random(2000) < np.where(labels < 5, 0.9, 0.1), "hard", "easy").tolist()
    whole = {one.value: one for one in slices({"supplier": column}, labels, right, CLASSES) if one.within is None}
    assert whole["hard"].accuracy < whole["easy"].accuracy - 0.1
    assert whole["hard"].accuracy == pytest.approx(whole["hard"].expected, abs=0.02)
    assert not whole["hard"].named


def test_more_looks_ask_for_more() -> None:
    labels, right, column = drawn(3)
    right[(labels == 7) & (np.array(column) == "east")] = False
    alone = slices({"supplier": column}, labels, right, CLASSES)[0]
    random = np.random.default_rng(0)
    more = {f"column {i}": random.choice(["a", "b", "c"], len(labels)).tolist() for i in range(20)}
    among = next(one for one in slices({"supplier": column, **more}, labels, right, CLASSES) if one.name == alone.name)
    assert among.p == alone.p
    assert among.adjusted > alone.adjusted


def test_too_few_photos_are_no_slice() -> None:
    labels, right = np.zeros(20, int), np.ones(20, bool)
    right[:4] = False
    assert slices({"camera": ["bad"] * 4 + ["good"] * 16}, labels, right, CLASSES) == ()
    assert {one.value for one in slices({"camera": ["bad"] * 5 + ["good"] * 15}, labels, right, CLASSES)} == {
        "bad", "good",
    }  # fmt: skip


def test_a_slice_says_itself_and_goes_into_json() -> None:
    labels, right, column = drawn(2)
    one = slices({"supplier": ["" if value == "west" else value for value in column]}, labels, right, CLASSES)[0]
    record = one.to_json()
    assert record["named"] == one.named
    assert math.isclose(record["interval"][0], one.interval[0])
    assert f"of {one.n:,} photos" in str(one)
