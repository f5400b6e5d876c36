"""The start of most runs: the linear head, solved on features of the frozen backbone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from visionft import data
from visionft.planning.plan import make_plan
from visionft.settings import FitSettings
from visionft.training import frozen_features
from visionft.training.solved_head import solve_head


def test_the_solution_is_in_the_head_and_its_figures_are_epoch_0(settings: Callable[..., FitSettings]) -> None:
    wanted = settings(method="head", epochs="auto")
    manifest = data.prepare(wanted.photos, wanted.data)
    plan, said = make_plan(wanted, manifest, str), list[str]()
    before = {name: value.clone() for name, value in plan.network.backbone.state_dict().items()}
    solved = solve_head(plan, manifest, said.append)
    row = solved.row
    found = frozen_features.compute(
        plan.network, manifest, "validation", plan.preprocess, plan.settings, lambda *_: None
    )
    with torch.no_grad():
        answers = plan.network.head(torch.from_numpy(found.features)).argmax(1).numpy()
    assert row.val_score == pytest.approx(np.mean(answers == found.labels))
    assert (row.epoch, row.step, row.lr, solved.centres) == (0, 0, 0.0, None)
    assert np.isnan(row.train_loss)
    assert said[0].startswith(f"solved head: validation loss {row.val_loss:.4f}  top-1 ")
    assert all(torch.equal(value, before[name]) for name, value in plan.network.backbone.state_dict().items())
