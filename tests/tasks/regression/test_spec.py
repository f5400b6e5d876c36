"""Which labels are quantities."""

from __future__ import annotations

import pytest

from visionft.tasks.regression.spec import QUANTITIES, SPEC

PRICES = [f"{n}.99" for n in range(QUANTITIES)]


@pytest.mark.parametrize(
    ("names", "suits"),
    [
        (PRICES, True),
        ([f"-{n}e-3" for n in range(QUANTITIES)], True),
        ([f".{n}" for n in range(QUANTITIES)], True),
        (PRICES[:-1], False),  # ratings
        ([*PRICES, "cheap"], False),
        ([*PRICES, "1,99"], False),
        ([*PRICES, ""], False),
    ],
)
def test_many_different_numbers_are_quantities(names: list[str], suits: bool) -> None:
    assert SPEC.suits is not None
    said = SPEC.suits(names)
    assert (said is not None) is suits
    assert said is None or said == f"the {len(names)} labels are numbers: to learn a number for each photo"
