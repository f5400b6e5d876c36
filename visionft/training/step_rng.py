"""Random numbers of the network's own (dropout, stochastic depth) as pure functions of (seed, step)."""

from __future__ import annotations

import numpy as np
import torch


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed torch for one optimizer step, so that a resumed run draws what the uninterrupted one drew.

    Several processes draw apart from each other, as the photos of one batch do; the first draws what one alone would.
    """
    words = [seed, step, rank] if rank else [seed, step]
    torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1)))
