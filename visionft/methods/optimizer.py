"""Bring an optimizer to a state of the schedule."""

from __future__ import annotations

from collections.abc import Iterable

from torch.optim import Optimizer

from visionft.methods.param_groups import Group
from visionft.methods.schedule import State


def set_rates(optimizer: Optimizer, state: State) -> None:
    """Set the learning rate of every group made by `parameter_groups`."""
    for group in optimizer.param_groups:
        group["lr"] = state.lr(group["depth"], group["role"])


def drop_state(optimizer: Optimizer, frozen: Iterable[Group]) -> None:
    """Forget the momentum of frozen groups: when they thaw they start afresh, at the warm-up's low rate."""
    names = {group.name for group in frozen}
    for group in optimizer.param_groups:
        if group["name"] in names:
            for parameter in group["params"]:
                optimizer.state.pop(parameter, None)
