"""Retrieval by itself: products are labels to learn from, and nothing that is answered."""

from __future__ import annotations

from visionft.tasks.spec import Score, TaskSpec

SPEC = TaskSpec(
    name="retrieval",
    answers="embeddings",
    score=Score("recall1", "recall@1", ".2%"),
    losses=("arcface", "proxy_anchor", "supcon"),
    heads=("linear",),  # the projection, which is solved
    stages=frozenset({"from", "report", "queries"}),
    projects=True,
    compares=frozenset({"proxy_anchor", "supcon"}),
    extra=("retrieval", "pytorch_metric_learning"),
    pipeline_tag="image-feature-extraction",
)
