"""What each task answers with: the table of the graph's outputs and the answers made of them agree."""

from __future__ import annotations

import pytest

from visionft.bundle.answers import answers_of
from visionft.tasks.registry import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_outputs_are_rows_of_the_table(task: str) -> None:
    answers = answers_of(task)
    rows = answers.tensors(3, 8)
    outputs = [row.name for row in rows if row.name in answers.outputs]
    assert outputs == list(answers.outputs)
    assert rows[0].name == "image"
    assert answers.subject(1234)


def test_a_task_that_is_none_has_no_answers() -> None:
    with pytest.raises(KeyError):
        answers_of("xyzzy")
