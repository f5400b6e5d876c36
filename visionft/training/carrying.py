"""Which runs let convolutions do the work of their norms: those whose norms keep the statistics of pretraining."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from visionft.backbones import Network, norms_carried
from visionft.settings import FitSettings


def carried(settings: FitSettings, network: Network) -> AbstractContextManager[object]:
    """Let convolutions do the work of frozen batch norms in this block; where norms learn, change nothing."""
    return norms_carried(network) if settings.optim.norm_statistics == "frozen" else nullcontext()
