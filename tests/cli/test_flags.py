"""Flags are made from the trees of settings: each setting has one, and what is given comes back as it was typed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from visionft.cli.app import build_app
from visionft.cli.flags import dotted, given_flags, require_bounds, with_settings, with_typed_settings
from visionft.errors import UsageError
from visionft.settings import build
from visionft.settings.advise import AdviseSettings
from visionft.settings.fields import leaves
from visionft.settings.serve import ServeSettings


def command(**flags: Any) -> None:
    """Take flags."""


def names_of(one: Any) -> list[str]:
    return list(inspect.signature(one).parameters)


def test_every_setting_has_a_flag_that_is_read_by_the_parser() -> None:
    parsed = {name for argument in build_app()["fit"].assemble_argument_collection() for name in argument.names}
    assert {leaf.flag.removesuffix(".name") for leaf in leaves().values() if leaf.path != "photos"} <= parsed


def test_what_is_left_out_has_no_flag() -> None:
    def advise(**flags: Any) -> None:
        """Take flags."""

    names = names_of(with_settings(advise, without=("method", "out")))
    assert "optim__lr" in names
    assert [name for name in names if name == "out" or name.startswith("method")] == []


def test_flags_of_a_flat_tree_have_its_types_and_defaults() -> None:
    found = inspect.signature(with_typed_settings(command, AdviseSettings)).parameters
    assert {name: argument.default for name, argument in found.items()} == dict(AdviseSettings())


def test_given_flags_build_the_settings_that_they_were_made_from() -> None:
    given = {"optim.lr": 0.01, "augment.mixup": 0.2, "epochs": 3, "hardware.channels_last": False}
    words = given_flags(given)
    assert words == ["--optim.lr", "0.01", "--augment.mixup", "0.2", "--epochs", "3", "--hardware.channels-last=false"]
    _, bound, _ = build_app().parse_args(["fit", "photos", "--method", "full", *words], exit_on_error=False)
    again = {name: value for name, value in dotted(bound.kwargs).items() if name != "method.name"}
    assert again.keys() == given.keys()
    assert build("photos", None, method="full", **again) == build("photos", None, method="full", **given)


@pytest.mark.parametrize(
    ("root", "given", "said"),
    [
        (AdviseSettings, {"steps": 0}, "--steps: 0 is less than 1; give a whole number from 1"),
        (ServeSettings, {"port": 70_000}, "--port: 70000 is no port; give one from 0 to 65535"),
        (
            ServeSettings,
            {"batch_ms": -1.0},
            "--batch-ms: -1 is out of range; give milliseconds from 0 to 10000",
        ),
    ],
)
def test_a_number_out_of_its_bounds_is_said_in_its_unit(root: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        require_bounds(given, root)
    assert str(raised.value) == said


def test_numbers_inside_their_bounds_and_none_pass() -> None:
    require_bounds({"steps": 1, "methods": None}, AdviseSettings)
    require_bounds({"port": 0, "batch_ms": 0.0, "max_held_bytes": None}, ServeSettings)
    require_bounds({}, ServeSettings)
