"""Classification by itself: nearly everything that there is, there is for it."""

from __future__ import annotations

from typing import get_args

from visionft.tasks.spec import Score, Stage, TaskSpec

SPEC = TaskSpec(
    name="classification",
    answers="classes",
    score=Score("top1", "top-1", ".2%"),
    losses=("cross_entropy",),
    heads=("linear", "mlp", "cosine"),
    # Of one level, how sure it is says the probability.
    stages=frozenset(get_args(Stage)) - {"queries", "heads", "confidence"},
    pipeline_tag="image-classification",
)
