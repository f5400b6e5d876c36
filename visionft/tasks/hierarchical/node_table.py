"""The answers of an evaluation, photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_figures import at_label_level, best_of
from visionft.tasks.hierarchical.taxonomy_tree import ROOT


def node_table(
    paths: Sequence[str],
    logits: NDArray[np.float32],
    labels: NDArray[Any],
    names: Sequence[str],
    answering: LevelPostprocess,
) -> pa.Table:
    """Return a row a photo; see `Learning.table`.

    Args:
        paths: (n,) of the photos.
        logits: (n, L) raw.
        labels: (n,) nodes.
        names: (N,) of the nodes.
        answering: the rule from logits to answers.
    """
    nodes = answering.nodes(answering.probabilities(logits))
    best, sure = at_label_level(answering.tree, nodes, labels).argmax(axis=1), answering.chosen(nodes)
    tree = answering.tree
    text, each = np.array([*names, ""], dtype=object), np.arange(len(labels))  # ROOT is -1, which is the last one
    return pa.table(
        {
            "path": pa.array([str(path) for path in paths], pa.string()),
            "truth": text[labels],
            "label": text[best],
            "probability": nodes[each, best].clip(max=1),
            "truth_probability": nodes[each, labels].clip(max=1),
            "correct": best == labels,
            "distance": tree.distance(best, labels),
            **{
                f"level_{depth}": pa.array(text[best_of(tree, nodes, depth)], pa.string())
                for depth in range(1, tree.levels + 1)
            },
            "sure_label": pa.array(text[sure], pa.string()),
            "sure_probability": np.where(sure == ROOT, np.float32(1), nodes[each, sure].clip(max=1)),
        }
    )
