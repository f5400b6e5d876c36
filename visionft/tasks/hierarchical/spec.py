"""Hierarchical classification by itself: the classes are nodes of a tree, and a parent is the sum of its children."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.tasks.spec import Score, TaskSpec


def _suits(names: Sequence[str]) -> str | None:
    given = set(names)
    within = next((name for name in sorted(names) if "/" in name and name.rpartition("/")[0] in given), None)
    if within is None:
        return None
    return (
        f"{within.rpartition('/')[0]!r} is a class and lies above {within!r}: to learn both levels of such a taxonomy"
    )


SPEC = TaskSpec(
    name="hierarchical",
    answers="nodes of a taxonomy",
    score=Score("top1", "top-1", ".2%"),
    losses=("marginal", "hxe"),
    heads=("linear", "mlp", "cosine"),
    stages=frozenset({"from", "confidence", "report", "slices", "compare"}),
    pipeline_tag="image-classification",
    suits=_suits,
)
