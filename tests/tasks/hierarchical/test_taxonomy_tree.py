"""A tree of names: who lies above whom, where it is cut, and how far two nodes are apart."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree, with_ancestors

NAMES = sorted(with_ancestors(["Fruit/Apple/Gala", "Fruit/Apple/Fuji", "Fruit/Kiwi", "Fruit-Juice/Cola", "Leek"]))


def at(tree: Tree, *names: str) -> np.ndarray:
    return np.array([tree.names.index(name) for name in names])


def test_names_make_a_tree_even_where_a_sign_comes_before_the_slash() -> None:
    tree = Tree(NAMES)
    assert tree.names[:2] == ("Fruit", "Fruit-Juice")  # "-" stands before "/", so that the subtree is torn apart
    assert tree.leaf_names == ("Fruit-Juice/Cola", "Fruit/Apple/Fuji", "Fruit/Apple/Gala", "Fruit/Kiwi", "Leek")
    assert tree.levels == 3
    assert tree.depths[at(tree, "Fruit", "Fruit/Kiwi", "Fruit/Apple/Gala")].tolist() == [1, 2, 3]
    parents = [ROOT if p == ROOT else tree.names[p] for p in tree.parents]
    assert dict(zip(tree.names, parents, strict=True))["Fruit/Apple/Gala"] == "Fruit/Apple"
    assert all(parent < child for child, parent in enumerate(tree.parents))


def test_each_parent_sums_its_children() -> None:
    tree, random = Tree(NAMES), np.random.default_rng(0)
    leaves = random.dirichlet(np.ones(len(tree.leaves)), 20)
    nodes = leaves @ tree.above
    for node, name in enumerate(tree.names):
        below = [child for child, parent in enumerate(tree.parents) if parent == node]
        if below:
            assert nodes[:, below].sum(axis=1) == pytest.approx(nodes[:, node]), name
    assert nodes[:, tree.parents == ROOT].sum(axis=1) == pytest.approx(1)
    assert nodes[:, tree.leaves] == pytest.approx(leaves)


def test_a_cut_parts_the_leaves() -> None:
    tree = Tree(NAMES)
    told = [[tree.names[node] for node in tree.cut(depth)] for depth in (1, 2, 3)]
    assert told[0] == ["Fruit-Juice", "Fruit", "Fruit", "Fruit", "Leek"]
    assert told[1] == ["Fruit-Juice/Cola", "Fruit/Apple", "Fruit/Apple", "Fruit/Kiwi", "Leek"]
    assert told[2] == list(tree.leaf_names)
    assert tree.cut_of(at(tree, "Leek", "Fruit/Apple", "Fruit/Kiwi")).tolist() == [3, 2, 3]


@pytest.mark.parametrize(
    ("one", "other", "edges"),
    [
        ("Fruit/Kiwi", "Fruit/Kiwi", 0),
        ("Fruit/Apple/Gala", "Fruit/Apple/Fuji", 2),
        ("Fruit/Apple/Gala", "Fruit/Kiwi", 3),
        ("Fruit/Apple/Gala", "Fruit", 2),
        ("Leek", "Fruit/Apple/Gala", 4),
        ("Leek", "Fruit-Juice", 2),
    ],
)
def test_distance_counts_the_edges_between(one: str, other: str, edges: int) -> None:
    tree = Tree(NAMES)
    assert tree.distance(at(tree, one), at(tree, other)).tolist() == [edges]
    assert tree.distance(at(tree, other), at(tree, one)).tolist() == [edges]


def test_what_lies_above() -> None:
    tree = Tree(NAMES)
    upper = np.array([*at(tree, "Fruit", "Fruit/Kiwi", "Fruit/Kiwi", "Fruit"), ROOT])
    lower = at(tree, "Fruit/Apple/Gala", "Fruit", "Fruit/Kiwi", "Fruit-Juice/Cola", "Leek")
    assert tree.holds(upper, lower).tolist() == [True, False, True, False, True]


def test_a_node_without_its_parent_is_no_tree() -> None:
    with pytest.raises(ValueError, match="nodes below 'Fruit', and not 'Fruit' itself"):
        Tree(["Fruit/Kiwi", "Leek"])
