"""The figure by which the best epoch is chosen, and what tasks say of themselves."""

from __future__ import annotations

import pytest

from visionft.tasks.registry import TASKS, spec_of
from visionft.tasks.spec import Score


def test_the_best_of_several_is_the_largest_key() -> None:
    up, down = Score("map", "mAP", ".2%"), Score("mae", "MAE", ".4g", higher=False)
    assert max([(0.8, 2.0), (0.9, 3.0), (0.9, 1.0)], key=lambda row: up.key(*row)) == (0.9, 1.0)
    assert max([(0.8, 2.0), (0.9, 1.0)], key=lambda row: down.key(*row)) == (0.8, 2.0)
    assert (up.column, up.spoken(0.8768), up.brief(0.8768)) == ("val_map", "mAP 87.68%", "mAP 87.7%")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_consistent(task: str) -> None:
    spec = spec_of(task)
    assert spec.compares <= set(spec.losses)
    assert spec.losses[0] not in spec.compares, "what is taken by itself works in pieces and in several processes"
    assert "linear" in spec.heads
