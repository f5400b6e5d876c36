"""Batch norms that keep the statistics of pretraining."""

from __future__ import annotations

from torch import nn


def freeze_norms(network: nn.Module) -> None:
    """Let batch norms normalise by the statistics that they have, and leave them as they are."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
