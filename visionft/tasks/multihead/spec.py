"""Several columns by themselves: colour, type, material, each with its own classes, of which a photo has one."""

from __future__ import annotations

from visionft.tasks.spec import Score, TaskSpec

SPEC = TaskSpec(
    name="multihead",
    answers="a label from each of several heads",
    score=Score("top1", "mean top-1", ".2%"),
    losses=("cross_entropy",),
    heads=("linear", "mlp", "cosine"),
    stages=frozenset({"label_smoothing", "class_weights", "from", "report", "heads"}),
    pipeline_tag="image-classification",
)
