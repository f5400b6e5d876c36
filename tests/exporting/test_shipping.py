"""How each task's answers are shipped: the outputs that it appends are those of its table."""

from __future__ import annotations

import pytest

from visionft.bundle.answers import answers_of
from visionft.exporting.shipping import shipping_of
from visionft.tasks.registry import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_each_task_brings_its_end_of_the_graph_beside_its_answers(task: str) -> None:
    assert shipping_of(task) is shipping_of(task)
    assert type(shipping_of(task)).__module__ == f"visionft.tasks.{task}.shipping"
    assert answers_of(task).outputs


def test_a_task_that_is_none_ships_nothing() -> None:
    with pytest.raises(KeyError):
        shipping_of("xyzzy")
