"""The error tree: who is whose kind, the exit codes, and that the drawing at the top of the file is true."""

from __future__ import annotations

import re

import pytest

from visionft import errors
from visionft.errors import PhotoError, SettingsError, UsageError, VisionftError

TREE = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, VisionftError)}


def test_the_drawing_names_every_error_under_its_parent() -> None:
    drawn = re.findall(r"^([│ ]*(?:[├└]── )?)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    parents: list[str] = []
    for indent, name in drawn:
        depth = len(indent) // 4
        if depth:
            assert TREE[parents[depth - 1]] in TREE[name].__bases__
        parents[depth:] = [name]
    assert {name for _, name in drawn} == set(TREE)
    assert len(drawn) == 20


@pytest.mark.parametrize("name", sorted(TREE))
def test_wrong_usage_exits_with_2_and_all_else_with_1(name: str) -> None:
    assert TREE[name].exit_code == (2 if issubclass(TREE[name], UsageError) else 1)


def test_wrong_usage_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="no such method"):
        raise UsageError("no such method")


def test_settings_faults_are_one_line_each() -> None:
    error = SettingsError(["a is wrong", "b is wrong"])
    assert error.faults == ("a is wrong", "b is wrong")
    assert str(error) == "a is wrong\nb is wrong"


def test_a_photo_error_says_its_reason() -> None:
    assert (PhotoError("truncated").reason, str(PhotoError("truncated"))) == ("truncated", "truncated")
