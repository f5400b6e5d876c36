"""The answer is the deepest node that is sure enough, and the confidence is one that can be relied on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from visionft.errors import RunError
from visionft.metrics.temperature import Temperature
from visionft.runs import layout
from visionft.tasks.hierarchical.sure_level import (
    PRECISION,
    TRIED,
    LevelPostprocess,
    SureLevel,
    deepest,
    judged,
    lower_bound,
)
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree, with_ancestors

TREE = Tree(sorted(with_ancestors(["a/x/1", "a/x/2", "a/y", "b"])))
PLAIN = Temperature(1.0, 0, fitted=False)


def nodes(*leaves: float) -> np.ndarray:
    return np.array([leaves], np.float32) @ TREE.above


@pytest.mark.parametrize(
    ("leaves", "chosen"),
    [
        ((0.9, 0.05, 0.03, 0.02), "a/x/1"),
        ((0.5, 0.42, 0.05, 0.03), "a/x"),
        ((0.4, 0.2, 0.35, 0.05), "a"),
        ((0.3, 0.2, 0.1, 0.4), None),
        ((0.0, 0.0, 0.0, 1.0), "b"),
    ],
)
def test_the_deepest_node_that_is_sure_enough(leaves: tuple[float, ...], chosen: str | None) -> None:
    (found,) = deepest(nodes(*leaves), TREE, 0.9)
    assert (None if found == ROOT else TREE.names[found]) == chosen


def test_what_is_sure_enough_lies_on_one_line() -> None:
    random = np.random.default_rng(0)
    every = random.dirichlet(np.full(4, 0.3), 500).astype(np.float32) @ TREE.above
    for row in every:
        line = np.flatnonzero(row > 0.5)
        assert all(TREE.holds(line[:1], np.array([node])).all() for node in line)
    low, high = (
        TREE.depths[np.maximum(deepest(every, TREE, c), 0)] * (deepest(every, TREE, c) != ROOT) for c in (0.6, 0.9)
    )
    assert (low >= high).all()


def test_an_answer_above_the_truth_is_right_and_one_below_it_cannot_be_judged() -> None:
    places = {name: at for at, name in enumerate(TREE.names)}
    pairs = [("a", "a/x/1"), ("a/x/1", "a"), ("b", "a"), ("a/x", "a/x"), (None, "b"), ("a/x/1", "a/y")]
    chosen = np.array([ROOT if name is None else places[name] for name, _ in pairs])
    can, right = judged(TREE, chosen, np.array([places[name] for _, name in pairs]))
    assert can.tolist() == [True, False, True, True, False, True]
    assert (can & right).tolist() == [True, False, False, True, False, False]


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    for hits, n in ((98, 100), (300, 300), (1, 7)):
        wanted = binomtest(hits, n).proportion_ci(0.9, "exact").low  # two-sided 90 % is one-sided 95 %
        assert lower_bound(hits, n, 0.05) == pytest.approx(wanted)
    assert lower_bound(0, 9, 0.05) == 0


def test_what_is_assured_holds() -> None:
    """Of many draws of validation photos, at most 5 % assure a precision that is not there."""
    random = np.random.default_rng(1)
    big_logits, big_labels = drawn(random, 10_000)
    assured = missed = 0
    for _ in range(40):
        logits, labels = drawn(random, 900)
        level = SureLevel.fit(TREE, logits, labels, PLAIN)
        rule = LevelPostprocess.by(TREE, 1.0, level.min_confidence)
        can, right = judged(TREE, rule.chosen(rule.nodes(rule.probabilities(big_logits))), big_labels)
        assured += level.assured
        missed += level.assured and right[can].mean() < PRECISION
    assert assured >= 20
    assert missed <= 5  # 2 are expected at most; 6 or more have a chance of 1.4 %


def drawn(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    logits = random.normal(0, 4, (n, 4)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn_leaf = (random.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=3)
    return logits, TREE.leaves[drawn_leaf]


def test_many_photos_assure_what_few_cannot() -> None:
    random = np.random.default_rng(2)
    many, few = (SureLevel.fit(TREE, *drawn(random, n), PLAIN) for n in (20_000, 50))
    assert many.assured
    assert many.min_confidence < 0.995
    assert many.precision is not None
    assert many.precision > PRECISION
    assert "right, and at least 99% are, with 95% certainty" in many.sentence()
    assert not few.assured
    assert few.min_confidence in [confidence for confidence in TRIED if confidence >= PRECISION]
    assert "that 99% are cannot be assured by so few photos, or so many errors, so that" in few.sentence()


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    level = SureLevel.fit(TREE, *drawn(np.random.default_rng(0), 300), PLAIN)
    level.write(tmp_path)
    assert SureLevel.read(tmp_path) == level
    (tmp_path / layout.CALIBRATION).write_text('{"temperature": 1}')
    with pytest.raises(RunError, match="damaged"):
        SureLevel.read(tmp_path)
    assert "no validation photo could be judged" in SureLevel.plain().sentence()
