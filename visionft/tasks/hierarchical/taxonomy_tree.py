"""The tree that class names make: `Fruit/Apple` lies above `Fruit/Apple/Granny-Smith`. Free of torch.

Names in plain string order put every node behind those above it, as a text stands behind its own beginnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

BETWEEN = "/"
"""Stands between the levels of a name."""
ROOT = -1
"""The place of what lies above every node: nothing is known of the photo."""
LEAST = 0.5
"""Above it the nodes that are sure enough lie one below the other, as two siblings cannot both be."""


def with_ancestors(names: Iterable[str]) -> set[str]:
    """Return the names and all that lie above them: of `a/b/c` also `a/b` and `a`."""
    found = set[str]()
    for name in names:
        levels = name.split(BETWEEN)
        found |= {BETWEEN.join(levels[:depth]) for depth in range(1, len(levels) + 1)}
    return found


class Tree:
    """The nodes of a taxonomy, N of them, of which L have nothing below them: the leaves, for which there are logits.

    Attributes:
        names: (N,) of the nodes, in plain string order; with every name those above it.

    Raises:
        ValueError: a name lacks one that lies above it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        place = {name: at for at, name in enumerate(self.names)}
        parts = [name.rpartition(BETWEEN)[0] for name in self.names]
        lacking = next((part for part in parts if part and part not in place), None)
        if lacking is not None:
            raise ValueError(f"the taxonomy has nodes below {lacking!r}, and not {lacking!r} itself")
        self.parents: NDArray[np.int64] = np.array([place[part] if part else ROOT for part in parts], np.int64)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """(N,) levels from the top, from 1."""
        return np.array([name.count(BETWEEN) + 1 for name in self.names], np.int64)

    @property
    def levels(self) -> int:
        """Depth of the deepest leaf."""
        return int(self.depths.max())

    @cached_property
    def leaves(self) -> NDArray[np.int64]:
        """(L,) places of the nodes that have none below them, in rising order."""
        return np.setdiff1d(np.arange(len(self)), self.parents)

    @property
    def leaf_names(self) -> tuple[str, ...]:
        """(L,) names of the leaves."""
        return tuple(self.names[at] for at in self.leaves)

    @cached_property
    def ancestors(self) -> NDArray[np.int64]:
        """(N, levels) the node above or at each node at depth 1, 2 and so on; `ROOT` below its own depth."""
        found = np.full((len(self), self.levels), ROOT, np.int64)
        for node, parent in enumerate(self.parents):
            found[node] = found[parent] if parent != ROOT else ROOT
            found[node, self.depths[node] - 1] = node
        return found

    @cached_property
    def above(self) -> NDArray[np.float32]:
        """(L, N) 1 where a node lies above a leaf or is it, else 0: leaf probabilities times this are the nodes'."""
        found = np.zeros((len(self.leaves), len(self)), np.float32)
        for row, leaf in enumerate(self.leaves):
            line = self.ancestors[leaf]
            found[row, line[line != ROOT]] = 1
        return found

    def cut(self, depth: int) -> NDArray[np.int64]:
        """Return (L,) the node that stands for each leaf at a depth: above it there, or the leaf where it is less deep.

        Args:
            depth: from 1 to `levels`.
        """
        line = self.ancestors[self.leaves, :depth]
        found: NDArray[np.int64] = line.max(axis=1)  # nodes lie behind those above them: the last is the deepest
        return found

    def cut_of(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return (n,) the depth at which each of n nodes is told from others: its own, or the deepest of a leaf."""
        is_leaf = np.isin(nodes, self.leaves)
        return np.where(is_leaf, self.levels, self.depths[nodes])

    def distance(self, one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return (n,) edges of the tree between two nodes each, by way of the deepest node above both."""
        shared = (self.ancestors[one] == self.ancestors[other]) & (self.ancestors[one] != ROOT)
        found: NDArray[np.int64] = self.depths[one] + self.depths[other] - 2 * shared.sum(axis=1)
        return found

    def holds(self, upper: NDArray[np.integer], lower: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Tell (n,) whether a node lies above another or is it; `ROOT` lies above all."""
        line = self.ancestors[lower]
        found: NDArray[np.bool_] = (upper == ROOT) | ((line == upper[:, None]) & (line != ROOT)).any(axis=1)
        return found


def deepest(nodes: NDArray[np.floating], tree: Tree, min_confidence: float) -> NDArray[np.int64]:
    """Return (n,) the deepest node of at least a probability, of those of all nodes (n, N); `ROOT` where none has."""
    depths = np.where(nodes >= np.float32(min_confidence), tree.depths, 0)
    best = depths.argmax(axis=1)
    return np.where(depths[np.arange(len(nodes)), best] > 0, best, ROOT)


@lru_cache(maxsize=8)
def tree_of(names: tuple[str, ...]) -> Tree:
    """Return the tree of these names; a server asks for it with every photo."""
    return Tree(names)
