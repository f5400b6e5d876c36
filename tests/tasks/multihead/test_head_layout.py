"""Heads lie side by side in one order of names, and photos are told by text and by places."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.classes import Classes
from visionft.tasks.multihead.head_layout import Heads, named, parsed

NAMES = Classes.of(["type=shirt", "colour=red", "colour2=x", "colour=a=b", "type=dress", "colour2=y"]).names


def test_the_classes_of_a_head_are_side_by_side_whatever_its_name() -> None:
    heads = Heads(NAMES)
    assert heads.names == ("colour2", "colour", "type")
    assert heads.own == (("x", "y"), ("a=b", "red"), ("dress", "shirt"))
    assert heads.sizes == (2, 2, 2)
    assert heads.starts.tolist() == [0, 2, 4]
    assert [NAMES[own] for own in heads.slices][1] == ("colour=a=b", "colour=red")


def test_text_and_places_say_the_same() -> None:
    heads, text = Heads(NAMES), "colour=a=b|type=shirt"
    assert parsed(text) == {"colour": "a=b", "type": "shirt"}
    assert heads.encode(text) == [-1, 0, 1]
    assert heads.texts(np.array([[-1, 0, 1], [1, -1, -1]])) == [text, "colour2=y"]
    assert named([text, "colour=a=b"]) == ["colour=a=b", "type=shirt"]
    for strange in ("size=big", "type=hat"):
        with pytest.raises(KeyError):
            heads.encode(strange)


def test_each_head_chooses_among_its_own() -> None:
    values = np.array([[0.1, 0.9, 5.0, 4.0, -1.0, -2.0]])
    assert Heads(NAMES).best(values).tolist() == [[1, 0, 0]]


def test_a_class_without_a_head_is_refused() -> None:
    with pytest.raises(ValueError, match="'red' belongs to no head"):
        Heads(["colour=blue", "red"])
