"""Several labels a photo by itself: a yes or no for each label, which may be unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from visionft.tasks.spec import Score, TaskSpec
from visionft.wording.lists import some


def _suits(names: Sequence[str]) -> str | None:
    parts = Counter(part.strip() for name in names for part in name.split("|"))
    several = [name for name in names if "|" in name and any(parts[part.strip()] > 1 for part in name.split("|"))]
    if not several:
        return None
    return f"{some([repr(name) for name in several], 3)} look like several labels in one: to learn each of them"


SPEC = TaskSpec(
    name="multilabel",
    answers="sets of labels",
    score=Score("map", "mAP", ".2%"),
    losses=("bce", "asl"),
    heads=("linear", "mlp"),  # a cosine says how near one class is beside others, and labels do not compete
    stages=frozenset({"class_weights", "products"}),
    several=True,
    pipeline_tag="image-classification",
    suits=_suits,
)
