"""What the task says of itself is what it holds to."""

from __future__ import annotations

from visionft.tasks.multihead.spec import SPEC


def test_the_mean_over_the_heads_chooses_the_best_epoch() -> None:
    assert SPEC.score.column == "val_top1"
    assert SPEC.score.spoken(0.5) == "mean top-1 50.00%"
    assert SPEC.score.key(0.6, 1.0) > SPEC.score.key(0.5, 0.1)
