"""Class names, order and hash."""

from __future__ import annotations

import unicodedata

import pytest

from visionft.classes import Classes, normalise

COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "Crème"), unicodedata.normalize("NFD", "Crème")


def test_of_sorts_plainly_and_drops_repeats() -> None:
    assert Classes.of(["b", "a/z", "B", "a", "b", "a-z"]).names == ("B", "a", "a-z", "a/z", "b")


def test_two_spellings_of_one_name_are_one_class() -> None:
    assert COMPOSED != DECOMPOSED
    classes = Classes.of([DECOMPOSED, COMPOSED])
    assert classes.names == (COMPOSED,) == (normalise(DECOMPOSED),)
    assert classes.index(DECOMPOSED) == 0
    assert DECOMPOSED in classes


def test_an_index_is_the_place_in_names() -> None:
    classes = Classes.of(["shirt", "dress", "hat"])
    assert [classes.index(name) for name in classes] == [0, 1, 2]
    assert (classes[1], classes[-2:], len(classes)) == ("hat", ("hat", "shirt"), 3)


def test_an_unknown_name_has_no_index() -> None:
    with pytest.raises(KeyError, match="boots"):
        Classes.of(["hat"]).index("boots")
    assert "boots" not in Classes.of(["hat"])
    assert not Classes.of(["hat"]).__contains__(0)


@pytest.mark.parametrize("names", [("b", "a"), ("a", "a"), (DECOMPOSED,)])
def test_names_out_of_order_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"distinct, in NFC and in plain string order; use Classes\.of"):
        Classes(names)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\n"])
def test_a_name_of_two_lines_is_refused_as_its_hash_would_be_that_of_two_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"holds a line break: class names are one line each"):
        Classes.of([name, "c"])


def test_the_hash_is_of_names_and_order_alone() -> None:
    assert Classes.of(["b", "a"]).hash == Classes(("a", "b")).hash
    assert Classes.of(["a", "b"]).hash != Classes.of(["a", "c"]).hash
    assert Classes(("a", "b")).hash == "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78"


def test_equal_names_are_equal_objects() -> None:
    assert Classes.of(["b", "a"]) == Classes(("a", "b"))
    assert hash(Classes.of(["b", "a"])) == hash(Classes(("a", "b")))
