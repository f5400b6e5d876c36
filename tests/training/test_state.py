"""What changes while a network is trained: it goes into a checkpoint, and comes out bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fits import Begun
from visionft.runs import layout
from visionft.runs.own_loss import GivenLoss, OwnLoss
from visionft.runs.weights_file import write_weights
from visionft.training.checkpoint import Checkpoint
from visionft.training.state import TrainState
from visionft.training.step import optimizer_step

Make = Callable[..., Begun]
GRADUAL = {"name": "gradual", "phases": [{"epochs": 1, "unfreeze": 0.0}, {"epochs": 1, "unfreeze": 1.0}]}


def taken(one: Begun, steps: int) -> None:
    one.loader.set_epoch(0)
    for batch, _ in zip(one.loader, range(steps), strict=False):
        optimizer_step(one.state, batch)


def everything(state: TrainState) -> list[torch.Tensor]:
    averaged = state.averaged.state_dict() if state.averaged else {}
    moments = [value for entry in state.optimizer.state_dict()["state"].values() for value in entry.values()]
    return [*state.network.state_dict().values(), *averaged.values(), *moments]


@pytest.mark.parametrize("flags", [{}, {"optim.ema": 0.9}, {"optim.l2_sp": 10.0}])
def test_a_checkpoint_holds_all_that_the_next_step_depends_on(begun: Make, tmp_path: Path, flags: Any) -> None:
    flags = {"method.head_first": False, **flags}
    whole, parts = begun(**flags), begun(**flags)
    write_weights(tmp_path / layout.START, whole.state.network)
    taken(whole, 2)
    whole.state.checkpoint([]).save(tmp_path / layout.CHECKPOINT)
    parts.state.begin(Checkpoint.load(tmp_path / layout.CHECKPOINT), tmp_path / layout.START)
    assert parts.state.step == 2
    batch = next(iter(whole.loader))
    for one in (whole, parts):
        optimizer_step(one.state, batch)
    pairs = zip(everything(whole.state), everything(parts.state), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    assert whole.state.take_loss() == parts.state.take_loss()


def test_what_is_frozen_has_no_gradient_no_rate_and_no_momentum(begun: Make) -> None:
    one = begun(method=GRADUAL)
    taken(one, 1)
    backbone = list(one.state.network.backbone.parameters())
    assert not any(parameter.requires_grad for parameter in backbone)
    assert {group["lr"] for group in one.state.optimizer.param_groups if group["role"] != "head"} == {0.0}
    assert not any(parameter in one.state.optimizer.state for parameter in backbone)
    one.state.step = one.state.schedule.changes[0]
    one.state.enter_step()
    assert all(parameter.requires_grad for parameter in backbone)


def test_losses_are_read_once_and_then_begin_anew(begun: Make) -> None:
    one = begun()
    one.state.add_loss(torch.tensor(1.0))
    one.state.add_loss(torch.tensor(2.0))
    assert one.state.take_loss() == 1.5
    assert math.isnan(one.state.take_loss()), "no step was taken since"


@pytest.mark.parametrize("kept", ["nothing", "buffers"])
def test_a_checkpoint_leaves_the_buffers_of_a_loss_as_they_were_given(begun: Make, tmp_path: Path, kept: str) -> None:
    one = begun()
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]), reduction="none")
    one.state.objective.loss = OwnLoss(GivenLoss.of(loss), one.state.objective.loss)
    write_weights(tmp_path / layout.START, one.state.network)
    found = one.state.checkpoint([])
    assert found.loss == {}, "nothing of it trains"
    if kept == "buffers":  # as they were once written
        found.loss = {name: torch.zeros_like(value) for name, value in one.state.objective.loss.state_dict().items()}
        assert found.loss
    found.save(tmp_path / layout.CHECKPOINT)
    one.state.begin(Checkpoint.load(tmp_path / layout.CHECKPOINT), tmp_path / layout.START)
    assert loss.weight is not None
    assert loss.weight.tolist() == [1.0, 2.0, 3.0]
