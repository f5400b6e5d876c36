"""Which labels look like several in one."""

from __future__ import annotations

import pytest

from visionft.tasks.multilabel.spec import SPEC


@pytest.mark.parametrize(
    ("names", "suits"),
    [
        (["red|hat", "red", "hat"], True),
        (["red|hat", "red|shoe"], True),
        (["red | hat", "red"], True),
        (["red|hat", "shoe"], False),  # a name with a sign of its own
        (["red", "hat"], False),
        ([], False),
    ],
)
def test_names_whose_parts_come_again_are_sets(names: list[str], suits: bool) -> None:
    assert SPEC.suits is not None
    said = SPEC.suits(names)
    assert (said is not None) is suits
    assert said is None or "look like several labels in one: to learn each of them" in said
