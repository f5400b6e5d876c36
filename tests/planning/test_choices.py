"""A choice: an "auto" that became a value, with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from visionft.planning.choices import Choice, open_ones, put, value_of
from visionft.settings import FitSettings

SETTINGS = FitSettings(photos=Path("p"))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (0.1 * 3, "optim.lr = 0.3  (why)"),
        (1e-05, "optim.lr = 1e-05  (why)"),
        (32, "optim.lr = 32  (why)"),
        ("bf16", "optim.lr = bf16  (why)"),
        (True, "optim.lr = True  (why)"),
    ],
)
def test_it_is_told_on_one_line_without_the_rounding_of_a_product(value: object, line: str) -> None:
    assert str(Choice("optim.lr", value, "why")) == line


def test_choices_make_new_settings_and_leave_the_old_ones() -> None:
    made = put(
        SETTINGS, [Choice("optim.lr", 0.01, ""), Choice("epochs", 3, ""), Choice("method.head_first", False, "")]
    )
    assert [value_of(made, name) for name in ("optim.lr", "epochs", "method.head_first", "optim.clip")] == [
        0.01,
        3,
        False,
        1.0,
    ]
    assert value_of(SETTINGS, "optim.lr") == "auto"
    assert put(SETTINGS, []) == SETTINGS


def test_a_choice_keeps_the_bounds_of_its_setting() -> None:
    with pytest.raises(ValidationError, match="less than 10"):
        put(SETTINGS, [Choice("optim.lr", 11.0, "")])


def test_what_was_given_is_no_longer_open() -> None:
    offered = [Choice("optim.lr", 0.01, ""), Choice("epochs", 3, "")]
    given = put(SETTINGS, offered[:1])
    assert open_ones(SETTINGS, offered) == offered
    assert open_ones(given, offered) == offered[1:]
    with pytest.raises(AttributeError):
        value_of(SETTINGS, "optim.rate")
