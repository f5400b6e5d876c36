"""Which columns of a manifest are numbers."""

from __future__ import annotations

from typing import Any

import pytest

from visionft.searching.column_types import numbers_of


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["3", "-12", "0"], [3, -12, 0]),
        (["3", "2.50"], [3.0, 2.5]),
        (["9" * 18], [10**18 - 1]),
        (["9" * 19], ["9" * 19]),  # no integer of 64 bits
        (["007", "3"], ["007", "3"]),  # article numbers
        (["1e5"], ["1e5"]),
        (["3", "red"], ["3", "red"]),
        (["3", ""], ["3", ""]),
        ([".5"], [".5"]),
        (["5."], ["5."]),
        (["²"], ["²"]),
        (["-0.5", "1"], [-0.5, 1.0]),
        ([], []),
    ],
)
def test_a_column_is_numbers_where_every_value_is_written_as_one(texts: list[str], values: list[Any]) -> None:
    column = {str(at): text for at, text in enumerate(texts)}
    found = list(numbers_of(column).values())
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
