"""Long tails: what the loss and the solved head make of classes that have many photos, and of those that have few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visionft.data.class_sampling import class_shares
from visionft.settings import FitSettings

Weights = NDArray[np.float64]


def balanced(counts: Sequence[int]) -> Weights:
    """Return (C,) weights inverse to each class's share of the training photos, so that their mean over photos is 1."""
    n = np.maximum(np.asarray(counts, np.float64), 1)
    return np.asarray(n.sum() / (len(n) * n), np.float64)


def effective(counts: Sequence[int], beta: float) -> Weights:
    """Return (C,) weights inverse to the effective number of photos, so that their mean over photos is 1.

    The effective number of n photos is (1 - beta^n) / (1 - beta) (arXiv 1901.05555): a photo more of many adds little
    that is new. 0 weighs all classes alike, and towards 1 it becomes `balanced`.

    Args:
        counts: (C,) training photos.
        beta: in [0, 1).
    """
    n = np.maximum(np.asarray(counts, np.float64), 1)
    weights = (1 - beta) / -np.expm1(n * np.log(beta)) if beta else np.ones(len(n))
    return np.asarray(weights * n.sum() / (n * weights).sum(), np.float64)


def loss_weights(settings: FitSettings, counts: Sequence[int]) -> Weights | None:
    """Return the weights (C,) of the classes in the loss; None where all are alike."""
    match settings.optim.class_weights:
        case "balanced":
            return balanced(counts)
        case "effective":
            return effective(counts, settings.optim.effective_beta)
    return None


def solving_weights(settings: FitSettings, counts: Sequence[int]) -> Weights | None:
    """Return the weights (C,) by which a head is solved: where epochs draw classes otherwise, that is a weight here."""
    if settings.data.sampling == "uniform":
        return loss_weights(settings, counts)
    n = np.maximum(np.asarray(counts, np.float64), 1)
    return np.asarray(class_shares(counts, settings.data.sampling) / (n / n.sum()), np.float64)


def log_prior(settings: FitSettings, counts: Sequence[int]) -> Weights | None:
    """Return what is added to logits (C,) in training, tau times the log of each class's share; None: nothing is.

    The loss of logits so raised is least where the logits themselves are right for classes that are all as frequent
    (arXiv 2007.07314): answers need no adjustment, in the graph neither.
    """
    tau = settings.optim.logit_adjustment
    n = np.maximum(np.asarray(counts, np.float64), 1)
    return np.asarray(tau * np.log(n / n.sum()), np.float64) if tau else None
