"""The start of most runs: the linear head, solved on features of the frozen backbone."""

from __future__ import annotations

import time

import torch
from torch import nn

from visionft.backbones import LinearHead
from visionft.data import Manifest
from visionft.machine.arithmetic import full_precision
from visionft.machine.progress import Say, bar
from visionft.planning.plan import Plan
from visionft.runs.history import Epoch
from visionft.training import frozen_features, linear_probe, partial_linear_probe
from visionft.training.frozen_features import SplitFeatures
from visionft.training.linear_probe import INVERSE_REGULARISATION, Probe
from visionft.wording.lists import count


def solve_head(plan: Plan, manifest: Manifest, say: Say) -> Epoch:
    """Put the solution into the network's head and return it as epoch 0 of the history."""
    began = time.monotonic()
    settings, network = plan.settings, plan.network
    splits = {}
    for split in ("train", "validation"):
        with bar(f"features of {split}") as advance:
            splits[split] = frozen_features.compute(network, manifest, split, plan.preprocess, settings, advance)
    computed = time.monotonic()
    train, validation = splits["train"], splits["validation"]
    assert isinstance(network.head, LinearHead)  # what `solves_head` promises
    what, probe = _solution(network.head, plan, train, validation)
    network.head.set_solution(torch.from_numpy(probe.weight), torch.from_numpy(probe.bias))
    loss, top1 = figures(network.head, validation)
    photos = len(train.labels) + len(validation.labels)
    now = time.monotonic()
    say(
        f"{what}: validation loss {loss:.4f}  top-1 {top1:.2%}  "
        f"inverse regularisation {probe.chosen.strength:.2g} of {len(probe.path)} tried  "
        f"{photos / (computed - began):.0f} images/s for features, {now - computed:.1f} s to solve"
    )
    return Epoch(0, 0, 0, 0.0, float("nan"), loss, top1, now - began, photos / (computed - began))


@torch.no_grad()
def figures(head: nn.Module, held_out: SplitFeatures) -> tuple[float, float]:
    """Return (mean log-loss, top-1 in [0, 1]) of a head on features, as an epoch's validation has them."""
    device = next(head.parameters()).device
    frozen_features, labels = (torch.from_numpy(array).to(device) for array in (held_out.features, held_out.labels))
    with full_precision():
        logits = head(frozen_features)
    loss = nn.functional.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(1) == labels).float().mean().item()


def _solution(head: LinearHead, plan: Plan, train: SplitFeatures, validation: SplitFeatures) -> tuple[str, Probe]:
    """Return what is solved, in words, and the solution: the whole head, or the rows that an earlier run lacks."""
    photos = (train.features, train.labels, validation.features, validation.labels)
    balanced = plan.settings.optim.class_weights == "balanced"
    if plan.succession is None:
        return "solved head", linear_probe.solve(*photos, balanced=balanced)
    new = plan.succession.new_rows
    what = f"solved {count(len(new), 'new row')} of the head, {len(head.weight) - len(new)} stay as they were"
    if not new:
        what = "solved head: no class is new, so all its rows, drawn to the earlier run's (0 leaves them as they were)"
    weight, bias = (tensor.detach().cpu().numpy() for tensor in (head.weight, head.bias))
    strengths = INVERSE_REGULARISATION if new else (0.0, *INVERSE_REGULARISATION)
    free = new or range(len(weight))
    return what, partial_linear_probe.extend(
        *photos, weight=weight, bias=bias, free=free, balanced=balanced, strengths=strengths
    )
