from __future__ import annotations

import pytest

from visionft.wording.did_you_mean import did_you_mean


@pytest.mark.parametrize(
    ("name", "names", "said"),
    [
        ("hatt", ["hat", "shoes"], "; did you mean 'hat'?"),
        ("HAT", ["hat", "shoes"], "; did you mean 'hat'?"),
        ("Kiwi", ["Fruit/Kiwi", "Fruit/Pear"], "; did you mean 'Fruit/Kiwi'?"),
        ("teapot", ["hat", "shoes"], ""),
        ("hat", [], ""),
    ],
)
def test_a_name_that_is_near_is_offered(name: str, names: list[str], said: str) -> None:
    assert did_you_mean(name, names) == said
