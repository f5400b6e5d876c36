"""Regression by itself: no classes, and nothing of what classes need."""

from __future__ import annotations

import re
from collections.abc import Sequence

from visionft.tasks.spec import Score, TaskSpec

QUANTITIES = 20
"""Numbers from which on labels are taken for quantities: ratings have fewer."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def _suits(names: Sequence[str]) -> str | None:
    if len(names) < QUANTITIES or not all(_NUMBER.fullmatch(name) for name in names):
        return None
    return f"the {len(names):,} labels are numbers: to learn a number for each photo"


SPEC = TaskSpec(
    name="regression",
    answers="numbers",
    score=Score("mae", "MAE", ".4g", higher=False),
    losses=("l2", "l1"),
    heads=("linear", "mlp"),  # cosines have a bound, and numbers have none
    stages=frozenset(),
    suits=_suits,
)
