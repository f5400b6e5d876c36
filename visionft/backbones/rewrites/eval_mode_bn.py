"""Batch norms that keep the statistics of pretraining."""

from __future__ import annotations

from torch import nn

from visionft.compat.torch_private import is_batch_norm


def freeze_norms(network: nn.Module) -> None:
    """Let batch norms normalise by the statistics that they have, and leave them as they are."""
    for module in network.modules():
        if is_batch_norm(module):
            module.eval()
