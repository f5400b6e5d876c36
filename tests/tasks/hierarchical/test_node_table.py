"""A row a photo, against answers that can be read off the tree."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.tasks.hierarchical.node_table import node_table
from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_tree import Tree, with_ancestors

TREE = Tree(sorted(with_ancestors(["a/x/1", "a/x/2", "a/y", "b"])))
LEAVES = np.array(
    [
        [0.95, 0.03, 0.01, 0.01],  # a/x/1, rightly and surely
        [0.50, 0.42, 0.04, 0.04],  # a/x/1 of a/x/2: sure of a/x
        [0.01, 0.01, 0.01, 0.97],  # b of a/y
        [0.30, 0.20, 0.10, 0.40],  # labelled a alone; sure of nothing
    ]
)
TRUTH = ("a/x/1", "a/x/2", "a/y", "a")


def rows(temperature: float = 1.0) -> list[dict[str, object]]:
    labels = np.array([TREE.names.index(name) for name in TRUTH])
    rule = LevelPostprocess.by(TREE, temperature, 0.9)
    logits = np.log(LEAVES).astype(np.float32)
    found: list[dict[str, object]] = node_table(
        ["1.jpg", "2.jpg", "3.jpg", "4.jpg"], logits, labels, TREE.names, rule
    ).to_pylist()
    return found


def test_the_answer_lies_at_the_level_of_the_label() -> None:
    found = rows()
    assert [row["path"] for row in found] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert [row["truth"] for row in found] == list(TRUTH)
    assert [row["label"] for row in found] == ["a/x/1", "a/x/1", "b", "a"]
    assert [row["correct"] for row in found] == [True, False, False, True]
    assert [row["probability"] for row in found] == pytest.approx([0.95, 0.5, 0.97, 0.6], abs=1e-6)
    assert [row["truth_probability"] for row in found] == pytest.approx([0.95, 0.42, 0.01, 0.6], abs=1e-6)


def test_the_distance_is_in_edges_of_the_tree() -> None:
    # Siblings are two edges apart; b and a/y meet above both: one edge up, two down.
    assert [row["distance"] for row in rows()] == [0, 2, 3, 0]


def test_every_level_has_its_most_probable_node_and_a_leaf_stands_for_itself_below() -> None:
    found = rows()
    assert [row["level_1"] for row in found] == ["a", "a", "b", "a"]
    assert [row["level_2"] for row in found] == ["a/x", "a/x", "b", "a/x"]
    assert [row["level_3"] for row in found] == ["a/x/1", "a/x/1", "b", "b"]
    assert "level_4" not in found[0]


def test_the_sure_answer_is_as_deep_as_it_is_sure_and_empty_where_nothing_is() -> None:
    found = rows()
    assert [row["sure_label"] for row in found] == ["a/x/1", "a/x", "b", ""]
    assert [row["sure_probability"] for row in found] == pytest.approx([0.95, 0.92, 0.97, 1.0], abs=1e-6)


def test_probabilities_are_calibrated_and_never_above_1() -> None:
    hot, cold = rows(4.0), rows(0.01)
    sharpened = LEAVES[0] ** 0.25
    assert hot[0]["probability"] == pytest.approx(sharpened[0] / sharpened.sum(), abs=1e-6)
    assert max(float(str(row["probability"])) for row in cold) <= 1
