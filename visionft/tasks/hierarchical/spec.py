"""Hierarchical classification by itself: the classes are nodes of a tree, and a parent is the sum of its children."""

from __future__ import annotations

from visionft.tasks.spec import Score, TaskSpec

SPEC = TaskSpec(
    name="hierarchical",
    answers="nodes of a taxonomy",
    score=Score("top1", "top-1", ".2%"),
    losses=("marginal", "hxe"),
    heads=("linear", "mlp", "cosine"),
    stages=frozenset({"from", "confidence"}),
)
