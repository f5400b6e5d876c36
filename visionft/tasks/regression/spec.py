"""Regression by itself: no classes, and nothing of what classes need."""

from __future__ import annotations

from visionft.tasks.spec import Score, TaskSpec

SPEC = TaskSpec(
    name="regression",
    answers="numbers",
    score=Score("mae", "MAE", ".4g", higher=False),
    losses=("l2", "l1"),
    heads=("linear", "mlp"),  # cosines have a bound, and numbers have none
    stages=frozenset(),
)
