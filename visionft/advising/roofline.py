"""How long work takes on a card that is not here, by its published rates: an estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visionft.machine.gpu_cards import Card

CALIBRATION = 1.43
"""How much faster timm's published training on an RTX 3090 is than this sum, the geometric mean of seven backbones
(benchmarks/memory_forecast.py). It is above 1: traffic is counted here in full, and more often than a GPU has it."""


def seconds(work: NDArray[np.float64], card: Card) -> float:
    """Return the time of operations one after the other (Williams et al. 2009, the roofline model).

    Each takes what its arithmetic or its memory traffic takes, whichever is longer, at the peak rates; the
    sum is scaled to training that was published for one card.

    Args:
        work: (operations, 3), see `live_bytes.Work`.
        card: with its rates.
    """
    flops, moved, half = work.T
    rate = np.where(half > 0, card.tflops, card.tflops_fp32) * 1e12
    return float(np.maximum(flops / rate, moved / (card.bandwidth * 1e9)).sum() / CALIBRATION)
