"""L2-SP: pull the backbone towards the weights it started from, so that it keeps what they know."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from visionft import methods
from visionft.methods import Group
from visionft.runs.run_files import damaged, read_tensors


class L2SP:
    """Move the backbone's trained parameters towards their start (L2-SP, Li et al. 2018, arXiv 1802.01483).

    After an optimizer step at the rate lr: w <- w - min(1, lr * strength) * (w - w0), with the rate that w's own group
    had in that step. The paper adds strength / 2 * |w - w0|^2 to the loss; here the pull is decoupled from the gradient
    as AdamW's decay is (arXiv 1711.05101), because Adam divides a gradient by its own size, and with it would normalise
    the penalty away: weights with large gradients would hardly be held at all. Beyond lr * strength = 1 the pull would
    overshoot the start. As in the paper the start takes the place of zero, so the backbone has no weight decay
    (`without_decay`); the head, which has no start worth keeping, keeps its own.

    Args:
        network: at its start, already on its device and in its memory order.
        groups: of that network, those that are to be pulled: the backbone's that train.
        strength: at least 0.
    """

    def __init__(self, network: nn.Module, groups: Iterable[Group], strength: float) -> None:
        self.strength = strength
        self._names = {group.name: group.parameters for group in groups}
        parameters = dict(network.named_parameters())
        # Clones keep the memory order: arithmetic over another may round differently, and a resumed run would drift.
        self.start = {name: parameters[name].detach().clone() for names in self._names.values() for name in names}

    def load(self, path: Path) -> None:
        """Take the start from the run's file: what is trained has moved on since.

        Raises:
            RunError: the file is missing or damaged.
        """
        kept = read_tensors(path)
        try:
            for name, start in self.start.items():
                start.copy_(kept[name])
        except (KeyError, RuntimeError) as error:
            raise damaged(path, "it holds the weights of another network") from error

    @torch.no_grad()
    def apply(self, optimizer: torch.optim.Optimizer) -> None:
        """Pull every group with the rate that it has now; groups at rate 0 are frozen and stay bit for bit."""
        for group in optimizer.param_groups:
            share = min(1.0, group["lr"] * self.strength)
            if share > 0 and group["name"] in self._names:
                for name, parameter in zip(self._names[group["name"]], group["params"], strict=True):
                    parameter.lerp_(self.start[name], share)


def without_decay(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return optimizer groups in which the backbone is not pulled towards zero; the head and additions still are."""
    return [{**group, "weight_decay": 0.0} if group["role"] in methods.BACKBONE_ROLES else group for group in groups]
