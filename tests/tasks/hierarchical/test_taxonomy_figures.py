"""Figures against what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics.confidence_intervals import wilson
from visionft.tasks.hierarchical.node_table import node_table
from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_figures import taxonomy_figures
from visionft.tasks.hierarchical.taxonomy_tree import Tree, with_ancestors

TREE = Tree(sorted(with_ancestors(["a/x/1", "a/x/2", "a/y", "b"])))
RULE = LevelPostprocess.by(TREE, 1.0, 0.9)
LEAVES = np.array(
    [
        [0.95, 0.03, 0.01, 0.01],  # a/x/1, rightly and surely
        [0.5, 0.42, 0.04, 0.04],  # a/x/1 of a/x/2: sure of a/x
        [0.3, 0.3, 0.38, 0.02],  # a/y of a/x/1: sure of a; at level 2 a/x is the more probable
        [0.01, 0.01, 0.01, 0.97],  # b of a/y: surely wrong
        [0.4, 0.2, 0.2, 0.2],  # labelled a alone
    ]
)
TRUTH = ("a/x/1", "a/x/2", "a/x/1", "a/y", "a")
LABELS = np.array([TREE.names.index(name) for name in TRUTH])
FIGURES = taxonomy_figures(np.log(LEAVES).astype(np.float32), LABELS, RULE)


def test_accuracy_is_told_level_by_level() -> None:
    assert [(row.nodes, row.n, row.accuracy) for row in FIGURES.levels] == [(2, 5, 0.8), (3, 4, 0.75), (4, 4, 0.25)]
    assert FIGURES.levels[0].interval == wilson(4, 5)
    assert FIGURES.top1 == pytest.approx(2 / 5)  # the first, and the last at its own level


def test_distance_counts_edges_to_the_truth() -> None:
    apart = [0, 2, 3, 3, 0]  # a/x/1 to a/x/2; a/y to a/x/1; b to a/y
    assert FIGURES.distance == pytest.approx(np.mean(apart))
    assert FIGURES.mistake_distance == pytest.approx(8 / 3)


def test_sure_answers_are_right_above_the_truth() -> None:
    sure = FIGURES.sure
    assert sure.by_depth == (1, 2, 1, 1)  # none; a and b; a/x; a/x/1
    assert (sure.answered, sure.judged, sure.precision) == (0.8, 4, 0.75)
    assert sure.depth == pytest.approx(7 / 4)


def test_the_table_tells_each_photo() -> None:
    logits = np.log(LEAVES).astype(np.float32)
    rows = node_table([f"{at}.jpg" for at in range(5)], logits, LABELS, TREE.names, RULE).to_pylist()
    assert [row["label"] for row in rows] == ["a/x/1", "a/x/1", "a/y", "b", "a"]
    assert [row["level_2"] for row in rows] == ["a/x", "a/x", "a/x", "b", "a/x"]
    assert [row["sure_label"] for row in rows] == ["a/x/1", "a/x", "a", "b", ""]
    assert [row["distance"] for row in rows] == [0, 2, 3, 3, 0]
    assert rows[2]["truth_probability"] == pytest.approx(0.3)


def test_they_print_and_are_plain_values() -> None:
    told = [" ".join(line.split()) for line in str(FIGURES).splitlines()]
    assert told[0] == "5 photos, 4 leaves below 2 parents in 3 levels"
    assert told[3] == "level 2, 3 nodes 75.00% 95 % interval 30.1% to 95.4%; 4 photos are labelled so deep"
    assert told[5] == "distance in the tree 1.600 edges, 95 % interval 0.400 to 2.800; 2.67 of a mistake"
    assert "a/x/1 as a/y (1)" in told[-1]
    plain = FIGURES.to_json()
    assert plain["sure"]["precision"] == 0.75
    assert [row[0] for row in plain["further"]][-1] == "sure from 0.9"


def test_a_temperature_is_told_with_what_it_changed() -> None:
    rule = LevelPostprocess.by(TREE, 2.0, 0.9)
    found = taxonomy_figures(np.log(LEAVES).astype(np.float32), LABELS, rule)
    assert found.flat.temperature == 2
    assert found.flat.uncalibrated is not None
    assert found.flat.uncalibrated.log_loss == pytest.approx(FIGURES.flat.log_loss, rel=1e-5)


def test_no_photo_and_no_number_are_refused() -> None:
    for logits, labels in ((np.zeros((0, 4)), LABELS[:0]), (np.full((5, 4), np.nan), LABELS)):
        with pytest.raises(ValueError, match="no photo to evaluate, or some logits are not finite"):
            taxonomy_figures(logits.astype(np.float32), labels, RULE)
