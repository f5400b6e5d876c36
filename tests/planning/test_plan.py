"""A plan: all that is decided before the first step, with reasons, and the same from the same settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
import torch

from visionft import data
from visionft.data import Manifest
from visionft.errors import BackboneError, UsageError
from visionft.planning import run_records
from visionft.planning.plan import Plan, make_plan, reopen_plan, require_obtainable, with_weights
from visionft.settings import FitSettings

Make = Callable[..., FitSettings]


@pytest.fixture
def manifest(settings: Make) -> Manifest:
    wanted = settings()
    return data.prepare(wanted.photos, wanted.data)


def weights(plan: Plan) -> dict[str, torch.Tensor]:
    return dict(plan.network.state_dict())


def same(one: Plan, other: Plan) -> bool:
    theirs = weights(other)
    return list(weights(one)) == list(theirs) and all(torch.equal(v, theirs[k]) for k, v in weights(one).items())


def test_it_does_not_change_once_it_is_made(settings: Make, manifest: Manifest) -> None:
    plan = make_plan(settings(), manifest, str)
    with pytest.raises(FrozenInstanceError):
        plan.choices = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        plan.choices.append(plan.choices[0])  # type: ignore[attr-defined]


def test_what_was_left_open_is_decided_with_a_reason_that_is_said(settings: Make, manifest: Manifest) -> None:
    said: list[str] = []
    plan = make_plan(settings(method="full"), manifest, said.append)
    assert "optim.lr" in {choice.setting for choice in plan.choices}
    assert all(choice.reason for choice in plan.choices)
    for choice in plan.choices:
        value = plan.settings
        for name in choice.setting.split("."):
            value = getattr(value, name)
        assert value == choice.value
    assert [line for line in said if line.startswith("  optim.lr ")] == [
        f"  {choice}" for choice in plan.choices if choice.setting == "optim.lr"
    ]


def test_what_was_given_is_no_choice(settings: Make, manifest: Manifest) -> None:
    plan = make_plan(settings(method="full", **{"optim.lr": 0.01}), manifest, str)
    assert plan.settings.optim.lr == 0.01
    assert "optim.lr" not in {choice.setting for choice in plan.choices}


def test_the_same_settings_make_the_same_plan(settings: Make, manifest: Manifest) -> None:
    one, other = (make_plan(settings(), manifest, str) for _ in range(2))
    assert (one.settings, one.choices, one.preprocess) == (other.settings, other.choices, other.preprocess)
    assert same(one, other)
    assert one.schedule(5) == other.schedule(5)
    assert not same(one, make_plan(settings(seed=1), manifest, str))


def test_the_schedule_follows_from_settings_network_and_steps(settings: Make, manifest: Manifest) -> None:
    phases = {"name": "gradual", "phases": [{"epochs": 1, "unfreeze": 0.0}, {"epochs": 2, "unfreeze": 1.0}]}
    schedule = make_plan(settings(method=phases), manifest, str).schedule(5)
    assert (schedule.steps_per_epoch, schedule.total_steps, schedule.changes) == (5, 15, (5,))
    head, every = schedule.at(4), schedule.at(5)
    assert head.trains(schedule.levels - 1, "head")
    assert not head.trains(0, "weight")
    assert every.trains(0, "weight")


def test_a_plan_is_opened_again_from_what_a_run_keeps(settings: Make, manifest: Manifest) -> None:
    wanted = settings()
    plan = make_plan(wanted, manifest, str)
    with run_records.new_folder(wanted.out):
        run_records.write(wanted.out, wanted, plan, manifest)
    again = reopen_plan(wanted.out, wanted, manifest)
    assert (again.settings, again.choices, again.preprocess) == (plan.settings, plan.choices, plan.preprocess)
    assert again.schedule(5) == plan.schedule(5)
    assert same(with_weights(again, wanted, manifest), plan)


def test_what_cannot_be_had_is_refused_before_any_photo(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackboneError, match="resnet_51"):
        require_obtainable(settings(backbone="resnet_51"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="CUDA"):
        require_obtainable(settings(**{"hardware.device": "cuda"}))
    require_obtainable(settings())
