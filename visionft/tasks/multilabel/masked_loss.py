"""Binary cross-entropy over known entries, or the asymmetric loss (arXiv 2009.14119); mAP from a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from visionft.runs.criterion import Criterion, Figures, Targets
from visionft.tasks.multilabel.average_precision import average_precision_binned

Kind = Literal["bce", "asl"]
FOCUS = 4.0
"""Gamma of the negatives in the asymmetric loss; that of the positives is 0 (arXiv 2009.14119, section 4)."""
MARGIN = 0.05
"""Probability that is taken off negatives: those below it have no loss."""
CELLS, BINS = 32_768, (64, 512)  # bins of all labels together, and the least and most of one
SPREAD = 4.0  # bins are equal steps of sigmoid(logit / SPREAD): 1/128 of a logit at 0, and apart as far as +-25


class MaskedLoss(Criterion):
    """The loss of logits (B, C) against entries (B, C) of 1, 0 and -1, summed over those that are known.

    Args:
        kind: `bce`, binary cross-entropy; `asl`, the asymmetric loss, by which easy negatives count little.
        weights: (2, C) of the photos that lack each label and of those that have it; none weighs all alike.
    """

    def __init__(self, kind: Kind = "bce", weights: Tensor | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over photos and known entries, in fp32; of mixed photos each has its share of the loss."""
        loss = self._sum(outputs.float(), targets.labels)
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._sum(outputs.float(), targets.others)

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return [cross-entropy, photos, entries, C * bins that have a label, C * bins that lack it], summed (S,).

        The cross-entropy of logits (B, C) is neither weighed nor focused, so that two trainings can be compared by it.
        """
        photos, width = outputs.shape
        logits, entries, bins = outputs.float(), labels.reshape(outputs.shape), bins_of(width)
        loss = (_cross_entropy(logits, entries) * (entries >= 0)).sum()
        place = (torch.sigmoid(logits / SPREAD) * bins).long().clamp_(max=bins - 1)
        place = (place + torch.arange(width, device=logits.device) * bins).flatten()
        counted = [
            torch.zeros(width * bins, device=logits.device).index_add_(0, place, kept.flatten().float())
            for kept in (entries == 1, entries == 0)
        ]
        sizes = [torch.full_like(loss[None], float(size)) for size in (photos, photos * width)]
        return torch.cat([loss[None], *sizes, *counted])

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean cross-entropy a photo, and mAP over the labels that can be measured; 0 where there is none.

        Scores that fall into one bin count as equal, so that mAP is off by a trifle; final figures are exact.
        """
        loss, photos, entries, *counted = sums
        having, lacking = np.asarray(counted).reshape(2, round(entries / photos), -1)
        found = average_precision_binned(having, lacking)
        seen = found[~np.isnan(found)]
        return Figures(loss / photos, float(seen.mean()) if len(seen) else 0.0)

    def _sum(self, logits: Tensor, entries: Tensor) -> Tensor:
        each = _asymmetric(logits, entries) if self.kind == "asl" else _cross_entropy(logits, entries)
        if isinstance(self.weights, Tensor):
            each = each * torch.where(entries == 1, self.weights[1], self.weights[0])
        return (each * (entries >= 0)).sum()


def bins_of(labels: int) -> int:
    """Return the bins of each of so many labels' scores."""
    return max(BINS[0], min(BINS[1], CELLS // max(1, labels)))


def balanced(entries: NDArray[np.integer]) -> Tensor:
    """Return (2, C) weights inverse to the share of photos that lack, and that have, each label, by entries (n, C).

    Their ratio is what is called `pos_weight`, lacking / having, and their mean over known entries is 1.
    """
    counts = np.stack([(entries == value).sum(axis=0) for value in (0, 1)]).astype(np.float64)
    weights = counts.sum(axis=0) / (2 * np.maximum(counts, 1))
    return torch.from_numpy(np.where((counts > 0).all(axis=0), weights, 1.0).astype(np.float32))


def _cross_entropy(logits: Tensor, entries: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, (entries == 1).float(), reduction="none")


def _asymmetric(logits: Tensor, entries: Tensor) -> Tensor:
    shifted = (torch.sigmoid(logits) - MARGIN).clamp(min=0)
    lacking = -(shifted**FOCUS) * torch.log1p(-shifted)
    return torch.where(entries == 1, -F.logsigmoid(logits), lacking)
