"""An optimizer is brought to a state of the schedule."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from visionft.methods.optimizer import drop_state, set_rates


def test_each_group_gets_the_rate_of_its_depth_and_role() -> None:
    groups = [
        {"params": [nn.Parameter(torch.ones(1))], "depth": depth, "role": role}
        for depth, role in ((0, "bias"), (3, "head"))
    ]
    optimizer = torch.optim.SGD(groups, lr=0.0)
    state: Any = SimpleNamespace(lr=lambda depth, role: depth + len(role) / 10)
    set_rates(optimizer, state)
    assert [group["lr"] for group in optimizer.param_groups] == [0.4, 3.4]


def test_a_group_that_freezes_forgets_its_momentum_and_no_other_does() -> None:
    frozen, kept = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([{"params": [frozen], "name": "stem"}, {"params": [kept], "name": "head"}])
    (frozen.sum() + kept.sum()).backward()
    optimizer.step()
    assert set(optimizer.state) == {frozen, kept}
    group: Any = SimpleNamespace(name="stem")
    drop_state(optimizer, [group])
    assert set(optimizer.state) == {kept}
    drop_state(optimizer, [group])  # it may be frozen already
    assert optimizer.state[kept]["step"] == 1
