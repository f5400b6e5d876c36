"""Random numbers of the network's own (dropout, stochastic depth) as pure functions of (seed, step)."""

from __future__ import annotations

import numpy as np
import torch


def seed_step(seed: int, step: int) -> None:
    """Seed torch for one optimizer step, so that a resumed run draws what the uninterrupted one drew."""
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1)))
