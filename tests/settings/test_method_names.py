"""Which methods are compared, from a list of names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from visionft.errors import UsageError
from visionft.settings.method import METHODS
from visionft.settings.method_names import compared_methods


@pytest.mark.parametrize("given", ["lora, full,lora,", ["lora", " full ", "lora"], ("lora", "full")])
def test_names_keep_their_order_each_once(given: str | Sequence[str]) -> None:
    assert compared_methods(given) == ("lora", "full")


def test_none_names_all() -> None:
    assert compared_methods(None) == tuple(METHODS)
    assert "lora" in compared_methods(None)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "^--methods: no method is named; give any of head, prototypes, full, gradual"),
        (" , ", "^--methods: no method is named"),
        ("lora,fulll", "^--methods: fulll is not known here; did you mean full[?] give any of"),
        (["xyzzy"], "^--methods: xyzzy is not known here; give any of"),
    ],
)
def test_what_is_none_is_one_sentence(given: str | list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        compared_methods(given)
