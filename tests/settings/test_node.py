"""What every node of the settings is: frozen, strict, and of places that can be written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from visionft.settings.node import Count, Place, Rate, Settings, Share, Word


class Example(Settings):
    """One field of each kind."""

    place: Place = Path()
    word: Word = "a"
    share: Share = 0.5
    rate: Rate = 0.1
    count: Count = 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("place", "", "the path is empty; give one, such as . for this folder"),
        ("place", "a\0b", "holds a NUL character, which no path has"),
        ("place", "a\udcff", "is not UTF-8, and could not be written into any record"),
        ("word", "", "nothing is given; give a name, or leave it out"),
        ("word", "a\0b", "holds a NUL character"),
        ("share", 1.01, "less than or equal to 1"),
        ("rate", 0, "greater than 0"),
        ("rate", 10, "less than 10"),
        ("count", 0, "greater than or equal to 1"),
        ("other", 1, "Extra inputs"),
    ],
)
def test_what_is_refused(name: str, value: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Example.model_validate({name: value})


def test_the_bounds_themselves() -> None:
    given = Example.model_validate({"share": 1, "rate": 9.99, "count": "7", "place": "a/b"})
    assert (given.share, given.rate, given.count, given.place) == (1.0, 9.99, 7, Path("a/b"))
    with pytest.raises(ValidationError, match="frozen"):
        given.count = 2  # type: ignore[misc]


def test_defaults_are_looked_at_too() -> None:
    class Wrong(Settings):
        """A default out of bounds."""

        count: Count = 0

    with pytest.raises(ValidationError, match="count"):
        Wrong()
