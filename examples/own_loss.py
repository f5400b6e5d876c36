"""Train by a loss of your own and measure by a metric of your own: `python examples/own_loss.py PHOTOS OUT`.

The loss is focal loss (arXiv 1708.02002), which lets photos that are answered surely count little; the metric is
Cohen's kappa, which is 0 for an answer by chance. Any function of torch, and any of scikit-learn, does as well.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from torch import Tensor
from torch.nn import functional as F

import visionft as vft

GAMMA = 2.0


def focal(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each photo, [B], from logits [B, C] and class indices [B]."""
    loss = F.cross_entropy(outputs, targets, reduction="none")
    return (1 - (-loss).exp()) ** GAMMA * loss


def kappa(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
    """Return Cohen's kappa from class indices (n,) and probabilities (n, C)."""
    return float(cohen_kappa_score(truth, answers.argmax(axis=1)))


def main(photos: str, out: str) -> None:
    """Fit by the loss, with the metric on held-out photos; then measure the same of the training photos."""
    run = vft.fit(
        photos, loss=focal, metrics={"kappa": kappa}, out=Path(out) / "run", backbone="visionft_pico", epochs=1
    )
    seen = vft.evaluate(run, split="train", metrics={"kappa": kappa})
    print("kappa on the training photos:", seen.own["kappa"])


if __name__ == "__main__":
    main(*sys.argv[1:3])
