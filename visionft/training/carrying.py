"""Batch norms that keep the statistics of pretraining: in `eval()` while the rest trains, and carried."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from torch import nn

from visionft.backbones import Network, norms_carried
from visionft.settings import FitSettings


def carried(settings: FitSettings, network: Network) -> AbstractContextManager[object]:
    """Let convolutions do the work of frozen batch norms in this block; where norms learn, change nothing."""
    return norms_carried(network) if settings.optim.norm_statistics == "frozen" else nullcontext()


def freeze_norms(network: nn.Module) -> None:
    """Let batch norms normalise by the statistics that they have, and leave them as they are."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
