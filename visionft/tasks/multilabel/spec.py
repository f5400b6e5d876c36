"""Several labels a photo by itself: a yes or no for each label, which may be unknown."""

from __future__ import annotations

from visionft.tasks.spec import Score, TaskSpec

SPEC = TaskSpec(
    name="multilabel",
    answers="sets of labels",
    score=Score("map", "mAP", ".2%"),
    losses=("bce", "asl"),
    heads=("linear", "mlp"),  # a cosine says how near one class is beside others, and labels do not compete
    stages=frozenset({"class_weights"}),
)
