"""Each task brings how it is learnt, and what most of them have alike."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.runs.learning import PlainLearning, learning_of
from visionft.tasks.registry import TASKS


def test_photos_are_drawn_once_each_and_alike_for_a_seed() -> None:
    drawn, random = PlainLearning().sample(np.zeros((9, 2)), 4, 3)
    assert drawn.tolist() == sorted(set(drawn.tolist()))
    assert (len(drawn), random.all(), drawn.max() < 9) == (4, True, True)
    assert PlainLearning().sample(np.zeros(9), 4, 3)[0].tolist() == drawn.tolist()
    assert len(PlainLearning().sample(np.zeros(3), 4, 3)[0]) == 3


@pytest.mark.parametrize("task", TASKS)
def test_each_task_brings_its_own(task: str) -> None:
    assert type(learning_of(task)).__module__ == f"visionft.tasks.{task}.learning"
