"""How a run records a function of its caller's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from visionft.settings.own_names import is_own, own_name


def focal(gamma: float) -> float:
    return gamma


class Weighted:
    """An object that can be called."""

    def __call__(self) -> float:
        return 1.0


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (focal, "own:focal"),
        (partial(partial(focal), 2.0), "own:focal"),
        (Weighted(), "own:Weighted"),
        (lambda: 0, "own:lambda"),
    ],
)
def test_a_function_is_recorded_by_its_name(function: Callable[..., Any], name: str) -> None:
    assert own_name(function) == name
    assert is_own(name)


@pytest.mark.parametrize("name", [None, "", "cross_entropy", "focal own:"])
def test_other_names_are_none_of_the_callers(name: str | None) -> None:
    assert not is_own(name)
