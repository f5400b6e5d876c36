"""L2-SP: the pull is an exact step towards the start, spares what is frozen, and survives a resume bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.errors import RunError, SettingsError
from visionft.methods import BACKBONE_ROLES, Group
from visionft.runs import layout
from visionft.settings import METHODS
from visionft.settings.method import MOVES_BASE
from visionft.training import train
from visionft.training.l2_sp import L2SP, without_decay

Make = Any
Stopping = Any
FLOOR = 2  # a level of test_resnet's depth map: some groups lie below it


def silent(line: str) -> None:
    pass


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_resnet", "none", 3, size=32)


@pytest.fixture
def groups(network: Network) -> tuple[Group, ...]:
    return methods.groups(network, backbones.depth_map(network))


def moved(network: Network, groups: tuple[Group, ...], strength: float, lr: float) -> tuple[Any, Any, Any]:
    """Pull a network whose every parameter was moved; return its start, what was there before, and what is after."""
    pulled = [group for group in groups if group.role in BACKBONE_ROLES]
    pull = L2SP(network, pulled, strength)
    start = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = torch.optim.SGD(methods.parameter_groups(network, groups, 0.0), lr=0.0)
    for group in optimizer.param_groups:
        group["lr"] = lr if group["depth"] >= FLOOR else 0.0
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    pull.apply(optimizer)
    return start, before, dict(network.named_parameters())


def test_a_whole_pull_brings_the_start_back(network: Network, groups: tuple[Group, ...]) -> None:
    start, before, after = moved(network, groups, strength=100.0, lr=0.01)
    for group in groups:
        for name in group.parameters:
            pulled = group.role != "head" and group.depth >= FLOOR
            assert torch.equal(after[name], start[name] if pulled else before[name]), name
    assert {group.role for group in groups} == {*BACKBONE_ROLES, "head"} - {"bias"}
    assert {group.depth < FLOOR for group in groups} == {True, False}


def test_a_pull_is_the_share_of_rate_times_strength(network: Network, groups: tuple[Group, ...]) -> None:
    start, before, after = moved(network, groups, strength=5.0, lr=0.02)
    for group in groups:
        for name in group.parameters if group.role != "head" and group.depth >= FLOOR else ():
            expected = before[name] - 0.1 * (before[name] - start[name])
            assert torch.allclose(after[name], expected, atol=1e-6), name


def test_a_pull_never_overshoots(network: Network, groups: tuple[Group, ...]) -> None:
    start, _, after = moved(network, groups, strength=10_000.0, lr=1.0)
    name = next(group.parameters[0] for group in groups if group.role == "norm" and group.depth >= FLOOR)
    assert torch.equal(after[name], start[name])


def test_the_start_takes_the_place_of_zero(network: Network, groups: tuple[Group, ...]) -> None:
    made = without_decay(methods.parameter_groups(network, groups, 0.05))
    assert {group["weight_decay"] for group in made if group["role"] != "head"} == {0.0}
    assert {group["weight_decay"] for group in made if group["role"] == "head"} == {0.05, 0.0}  # matrix and bias
    assert [group["name"] for group in made] == [group.name for group in groups]


def distance(run: Any) -> float:
    start, end = load_file(run.path / layout.START), load_file(run.path / layout.WEIGHTS)
    return sum(float((end[n] - start[n]).square().sum()) for n in end if n.startswith("backbone.") and "weight" in n)


def test_a_pulled_run_stays_near_its_start(settings: Make, tmp_path: Path) -> None:
    flags = {"epochs": 3, "optim.norm_statistics": "frozen", "optim.ema": 0}
    free = train(settings(out=tmp_path / "free", **flags), silent)
    pulled = train(settings(out=tmp_path / "pulled", **flags, **{"optim.l2_sp": 100.0}), silent)
    assert 0 < distance(pulled) < 0.5 * distance(free)


def test_a_run_pulled_with_all_force_never_leaves_its_start(settings: Make) -> None:
    """The least rate of the schedule times the strength is above 1, so each step is undone; the head alone learns."""
    flags = {"optim.norm_statistics": "frozen", "optim.ema": 0, "optim.l2_sp": 10_000.0, "optim.lr": 0.01}
    run = train(settings(**flags), silent)
    start, end = load_file(run.path / layout.START), load_file(run.path / layout.WEIGHTS)
    assert {name.split(".")[0] for name in end if not torch.equal(end[name], start[name])} == {"head"}


GRADUAL = {"name": "gradual", "phases": [{"epochs": 1, "unfreeze": 0.3}, {"epochs": 1, "unfreeze": 1.0}]}


@pytest.mark.parametrize("channels_last", [True, False])
def test_a_resumed_run_equals_the_uninterrupted_one(
    settings: Make, tmp_path: Path, stopping_at: Stopping, channels_last: bool
) -> None:
    flags = {
        "method": GRADUAL, "optim.l2_sp": 20.0, "optim.lr": 0.01, "optim.norm_statistics": "batch",
        "hardware.channels_last": channels_last,
    }  # fmt: skip
    whole = train(settings(out=tmp_path / "whole", **flags), silent)
    with stopping_at(7):
        train(settings(**flags), silent)
    resumed = train(settings(**flags), silent)
    a, b = (load_file(run.path / layout.WEIGHTS) for run in (whole, resumed))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_lost_start_is_said(network: Network, groups: tuple[Group, ...], tmp_path: Path) -> None:
    pull = L2SP(network, groups, 1.0)
    with pytest.raises(RunError, match=r"start\.safetensors is damaged \(it is missing\); restore it from a copy"):
        pull.load(tmp_path / layout.START)


@pytest.mark.parametrize("method", ["bitfit", "norm"])
def test_what_a_method_leaves_frozen_stays_bit_equal(settings: Make, method: str) -> None:
    run = train(settings(method=method, **{"optim.l2_sp": 1.0, "optim.norm_statistics": "frozen"}), silent)
    start, end = load_file(run.path / layout.START), load_file(run.path / layout.WEIGHTS)
    network: nn.Module = run.network()
    for name, _ in network.named_parameters():
        if methods.role_of(network, name) == "weight":
            assert torch.equal(start[name], end[name]), name


@pytest.mark.parametrize("method", ["head", "lora", "qlora", "adapter", "prompt"])
def test_a_frozen_base_has_nothing_to_pull(settings: Make, method: str) -> None:
    with pytest.raises(
        SettingsError,
        match=rf"--optim\.l2-sp: 0\.1 pulls the backbone back to its start, and the method {method} leaves the "
        "backbone as it is; leave it out, or give --method full, gradual, bitfit or norm",
    ):
        settings(method=method, **{"optim.l2_sp": 0.1})


def test_the_settings_and_the_schedule_agree_on_what_moves() -> None:
    for name, kind in METHODS.items():
        still = name in ("head", "prototypes") or "added" in methods.roles_trained(kind())
        assert isinstance(kind(), MOVES_BASE) != still, name
    assert len(METHODS) >= 9


def test_a_negative_pull_is_refused(settings: Make) -> None:
    with pytest.raises(SettingsError, match=r"--optim\.l2-sp: -1 is less than 0; give a number from 0 to 10000"):
        settings(**{"optim.l2_sp": -1})
