"""The start of most runs: the linear head, solved on features of the frozen backbone."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import LinearHead, PrototypeHead
from visionft.data import Manifest
from visionft.machine.progress import Say, bar
from visionft.planning.plan import Plan
from visionft.runs.criterion import Photos
from visionft.runs.history import Epoch
from visionft.runs.learning import learning_of
from visionft.runs.own_loss import criterion_of
from visionft.tasks.registry import spec_of
from visionft.training import frozen_features


@dataclass(frozen=True)
class Solved:
    """What a solved head leaves.

    Attributes:
        row: epoch 0 of the history.
        centres: places (C, K) of the classes among the outputs, where a loss keeps them.
        validation: features of the validation photos.
    """

    row: Epoch
    centres: NDArray[np.float32] | None
    validation: Photos


def solve_head(plan: Plan, manifest: Manifest, say: Say) -> Solved:
    """Put the solution into the network's head."""
    began = time.monotonic()
    settings, network, learning = plan.settings, plan.network, learning_of(plan.settings.task)
    splits = {}
    for split in ("train", "validation"):
        with bar(f"features of {split}") as advance:
            splits[split] = frozen_features.compute(network, manifest, split, plan.preprocess, settings, advance)
    computed = time.monotonic()
    train, validation = splits["train"], splits["validation"]
    assert isinstance(network.head, LinearHead)  # what `solves_head` promises
    new = None if plan.succession is None else plan.succession.new_rows
    solution = learning.solve(network.head, settings, train, validation, new)
    network.head.set_solution(torch.from_numpy(solution.weight), torch.from_numpy(solution.bias))
    if solution.space is not None:
        assert isinstance(network.head, PrototypeHead)  # what the method's edit made of it
        space = solution.space
        network.head.set_space(torch.from_numpy(space.metric), torch.from_numpy(space.centre), space.noise)
    figures = criterion_of(settings, manifest, plan.loss).solved_figures(network.head, validation)
    photos = len(train.labels) + len(validation.labels)
    now = time.monotonic()
    say(
        f"{solution.what}: validation loss {figures.loss:.4f}  {spec_of(settings.task).score.spoken(figures.score)}  "
        f"{solution.how}  {photos / (computed - began):.0f} images/s for features, {now - computed:.1f} s to solve"
    )
    rate = photos / (computed - began)
    row = Epoch(0, 0, 0, 0.0, float("nan"), figures.loss, figures.score, now - began, rate)
    return Solved(row, solution.centres, validation)
