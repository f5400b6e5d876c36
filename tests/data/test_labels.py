"""What the labels of each task are."""

from __future__ import annotations

import pytest

from visionft.data.labels import labels_of
from visionft.tasks.registry import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_columns_of_labels_are_those_of_the_setting(task: str) -> None:
    assert labels_of(task).cells.columns("brand", ["path", "brand"]) == ("brand",)


def test_an_embedding_may_be_asked_of_products_that_training_never_saw() -> None:
    assert {task for task in TASKS if not labels_of(task).bounded} == {"retrieval"}
    with pytest.raises(KeyError):
        labels_of("xyzzy")
