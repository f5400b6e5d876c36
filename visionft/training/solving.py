"""The start of most runs: the linear head, solved on features of the frozen backbone."""

from __future__ import annotations

import time

import torch

from visionft.backbones import LinearHead
from visionft.data import Manifest
from visionft.training import features, probing
from visionft.training.history import Epoch
from visionft.training.preparing import Prepared
from visionft.training.progress import Say, bar


def solve_head(prepared: Prepared, manifest: Manifest, say: Say) -> Epoch:
    """Put the solution into the network's head and return it as epoch 0 of the history."""
    began = time.monotonic()
    settings, network = prepared.settings, prepared.network
    splits = {}
    for split in ("train", "validation"):
        with bar(f"features of {split}") as advance:
            splits[split] = features.compute(network, manifest, split, prepared.preprocess, settings, advance)
    computed = time.monotonic()
    train, validation = splits["train"], splits["validation"]
    probe = probing.solve(
        train.features,
        train.labels,
        validation.features,
        validation.labels,
        balanced=settings.optim.class_weights == "balanced",
    )
    assert isinstance(network.head, LinearHead)  # what `solves_head` promises
    network.head.set_solution(torch.from_numpy(probe.weight), torch.from_numpy(probe.bias))
    loss, top1 = next((loss, top1) for strength, loss, top1 in probe.path if strength == probe.regularisation)
    photos = len(train.labels) + len(validation.labels)
    now = time.monotonic()
    say(
        f"solved head: validation loss {loss:.4f}  top-1 {top1:.2%}  "
        f"inverse regularisation {probe.regularisation:.2g} of {len(probe.path)} tried  "
        f"{photos / (computed - began):.0f} images/s for features, {now - computed:.1f} s to solve"
    )
    return Epoch(0, 0, 0, 0.0, float("nan"), loss, top1, now - began, photos / (computed - began))
