"""A trial's settings: shared under drawn, what has no effect left out, combinations each once."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest

from visionft.errors import SettingsError
from visionft.settings import FitSettings, build
from visionft.settings.method import LoraMethod
from visionft.sweeping.search_space import Dimension, dimensions
from visionft.sweeping.trial_settings import (
    combinations,
    key_of,
    require_possible,
    settings_of_all,
    shared_settings,
    trial_settings,
)

SHARED: dict[str, Any] = {"photos": "photos", "method.name": "full"}


def test_shared_settings_are_what_was_given() -> None:
    given = build("photos", None, **{"epochs": "5", "optim.lr": "1e-3", "out": "x", "augment.flip": "false"})
    shared = shared_settings(given, dimensions("seed=0,1"))
    assert shared == {
        "photos": "photos", "epochs": 5, "optim.lr": 1e-3, "augment.flip": False, "method.name": "full",
    }  # fmt: skip
    settings, _ = trial_settings(shared, {"seed": "1"}, "x")
    assert settings == given.model_copy(update={"seed": 1})


def test_a_method_of_python_is_shared_with_its_name() -> None:
    given = FitSettings(photos="photos", method=LoraMethod(rank=4))
    assert trial_settings(shared_settings(given, ()), {})[0] == given


def test_a_setting_is_not_given_and_varied() -> None:
    given = build("photos", None, **{"optim.lr": "1e-3"})
    with pytest.raises(SettingsError, match=r"--optim\.lr is given, and --over varies it; leave one out"):
        shared_settings(given, dimensions("lr=1e-4..1e-2"))


def test_what_has_no_effect_is_left_out() -> None:
    drawn = {"method.name": "head", "optim.lr": "0.001", "method.rank": "4"}
    settings, kept = trial_settings({**SHARED, "epochs": 3}, drawn)
    assert (settings.method.name, kept) == ("head", {"method.name": "head"})
    settings, kept = trial_settings({**SHARED, "epochs": 3}, {**drawn, "method.name": "lora"})
    assert (settings.method.rank, settings.optim.lr, settings.epochs) == (4, 0.001, 3)  # type: ignore[union-attr]
    assert kept == {**drawn, "method.name": "lora"}


def test_what_is_shared_and_idle_is_refused_where_no_method_is_drawn() -> None:
    with pytest.raises(SettingsError, match="has no effect"):
        trial_settings({"photos": "photos", "method.name": "head", "epochs": 3}, {"seed": "1"})


@pytest.mark.parametrize(
    ("over", "faults"),
    [
        ("lr=1e-4..20", ["--over: optim.lr: 20.0 is not less than 10; give a number above 0 and below 10, or auto"]),
        ("method=full,loro", ["--over: method: loro is not known here; did you mean lora? give head, prototypes, full, "
                              "gradual, lora, qlora, adapter, prompt, bitfit or norm"]),
        ("rank=4,8", ["--over: method.rank: only the method lora or qlora has rank; give --method qlora, or leave it "
                      "out"]),
        ("method=full,lora,rank=4,9999", ["--over: method.rank: 9999 is greater than 1024; give a whole number from 1 "
                                          "to 1024"]),
        ("method=full,lora,rank=4,8,lr=1e-4..1e-2,seed=0..3", []),
    ],
)  # fmt: skip
def test_values_are_held_against_their_settings(over: str, faults: list[str]) -> None:
    if not faults:
        return require_possible(SHARED, dimensions(over))
    with pytest.raises(SettingsError) as caught:
        require_possible(SHARED, dimensions(over))
    assert list(caught.value.faults) == faults
    return None


def test_a_value_without_effect_is_said() -> None:
    with pytest.raises(SettingsError, match=r"optim\.lr=0\.1 has no effect under --method head, with what is given"):
        require_possible({**SHARED, "method.name": "head"}, dimensions("lr=0.1,0.2"))


def test_every_combination_comes_once() -> None:
    varied = dimensions("method=full,lora,rank=4..6,epochs=1,2")
    found = combinations(SHARED, varied, 100)
    assert len(found) == len({key_of(one) for one in found}) == 2 + 2 * 3  # full has no rank
    assert combinations(SHARED, varied, 3) == found[:3]
    assert {one["method.name"] for one in found} == {"full", "lora"}


def test_of_very_many_combinations_some_are_drawn() -> None:
    varied = (Dimension("epochs", (), 1, 9000, whole=True), Dimension("optim.batch_size", (), 1, 9000, whole=True))
    assert prod(one.size for one in varied) == 81_000_000
    found = combinations(SHARED, varied, 12)
    assert len({key_of(one) for one in found}) == 12
    assert combinations(SHARED, varied, 20)[:12] == found


def test_settings_of_all_take_the_first_method_that_suits() -> None:
    shared = {"photos": "photos", "method.rank": 4}
    settings = settings_of_all(shared, dimensions("method=full,lora"), "x")
    assert settings.out != "auto"
