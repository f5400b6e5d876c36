from __future__ import annotations

import pytest

from visionft.wording.lists import count, some


@pytest.mark.parametrize(
    ("n", "noun", "plural", "said"),
    [
        (0, "photo", "", "0 photos"),
        (1, "photo", "", "1 photo"),
        (1234, "photo", "", "1,234 photos"),
        (2, "class", "classes", "2 classes"),
    ],
)
def test_a_number_has_its_noun(n: int, noun: str, plural: str, said: str) -> None:
    assert count(n, noun, plural) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_a_few_names_stand_for_all(names: list[str], said: str) -> None:
    assert some(names, shown=2) == said
