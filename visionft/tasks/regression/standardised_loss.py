"""L1 and L2 on standardised numbers, so that rates suit a price in cents and one in thousands alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from visionft.runs.criterion import Criterion, Figures, Targets

Kind = Literal["l1", "l2"]


class StandardisedLoss(Criterion):
    """The distance of outputs z (B, 1) from (label - mean) / std, absolute (l1) or squared (l2).

    Args:
        kind: `l1` or `l2`.
        mean: of the training labels, in their unit.
        std: of the training labels, in their unit, above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, kind: Kind, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over the batch (B, 1); of mixed photos each label has its share of the loss."""
        loss = self._sum(outputs, targets.labels)
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._sum(outputs, targets.others)

    def pairs(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return standardised outputs and labels, both (B,)."""
        return outputs.float().squeeze(1), (labels - self.mean) / self.std

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return (loss, absolute error in the labels' unit, photos), summed over outputs (B, 1)."""
        error = self.std * self._distance(outputs, labels).abs().sum()
        return torch.stack([self._sum(outputs, labels), error, torch.full_like(error, len(labels))])

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean loss, and the mean absolute error in the labels' unit."""
        loss, error, photos = sums
        return Figures(loss / photos, error / photos)

    def _sum(self, outputs: Tensor, labels: Tensor) -> Tensor:
        distance = self._distance(outputs, labels)
        return (distance.abs() if self.kind == "l1" else distance.square()).sum()

    def _distance(self, outputs: Tensor, labels: Tensor) -> Tensor:
        answered, wanted = self.pairs(outputs, labels)
        return answered - wanted
