"""The start of most runs: the linear head, solved on features of the frozen backbone."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import LinearHead
from visionft.data import Manifest
from visionft.machine.progress import Say, bar
from visionft.planning.plan import Plan
from visionft.runs.history import Epoch
from visionft.runs.learning import learning_of
from visionft.runs.own_loss import criterion_of
from visionft.tasks.registry import spec_of
from visionft.training import frozen_features


def solve_head(plan: Plan, manifest: Manifest, say: Say) -> tuple[Epoch, NDArray[np.float32] | None]:
    """Put the solution into the network's head; return epoch 0 of the history, and the places (C, K) of the classes."""
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
    figures = criterion_of(settings, manifest, plan.loss).solved_figures(network.head, validation)
    photos = len(train.labels) + len(validation.labels)
    now = time.monotonic()
    say(
        f"{solution.what}: validation loss {figures.loss:.4f}  {spec_of(settings.task).score.spoken(figures.score)}  "
        f"{solution.how}  {photos / (computed - began):.0f} images/s for features, {now - computed:.1f} s to solve"
    )
    rate = photos / (computed - began)
    return Epoch(0, 0, 0, 0.0, float("nan"), figures.loss, figures.score, now - began, rate), solution.centres
