"""Cross-entropy of each head over the labels that are known; a photo's loss is the mean over the heads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from visionft.runs.criterion import Criterion, Figures, Targets
from visionft.tasks.multihead.head_layout import UNKNOWN, Heads


class HeadsLoss(Criterion):
    """The loss of logits (B, K) against labels (B, H) that are places among each head's own classes, or -1.

    A head that is not known of a photo adds nothing, and is not made up for by the others.

    Args:
        heads: their classes.
        label_smoothing: mass in [0, 1) moved from the true class to all classes of its head (arXiv 1512.00567).
        class_weights: (K,) positive weights; none weighs all alike.
    """

    def __init__(self, heads: Heads, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self.sizes, self.label_smoothing = heads.sizes, label_smoothing
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over photos, in fp32; of mixed photos each has its share of the loss."""
        loss = self._sum(outputs.float(), targets.labels)
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._sum(outputs.float(), targets.others)

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return [loss, photos, H right answers, H known labels] of logits (B, K), summed; not weighed nor smoothed."""
        loss = outputs.new_zeros((), dtype=torch.float32)
        hits, known = list[Tensor](), list[Tensor]()
        for logits, own in self._by_head(outputs.float(), labels):
            loss = loss + F.cross_entropy(logits, own, reduction="sum", ignore_index=UNKNOWN)
            hits.append((logits.argmax(1) == own).sum().float())
            known.append((own >= 0).sum().float())
        photos = torch.full_like(loss, len(labels))
        return torch.stack([loss / len(self.sizes), photos, *hits, *known])

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean loss a photo, and the mean over the heads of their top-1; heads nobody knows are left out."""
        loss, photos, *counted = sums
        hits, known = counted[: len(self.sizes)], counted[len(self.sizes) :]
        top1 = [hit / n for hit, n in zip(hits, known, strict=True) if n]
        return Figures(loss / photos, sum(top1) / len(top1) if top1 else 0.0)

    def _sum(self, outputs: Tensor, labels: Tensor) -> Tensor:
        weights: Sequence[Tensor | None] = [None] * len(self.sizes)
        if isinstance(self.class_weights, Tensor):
            weights = torch.split(self.class_weights, list(self.sizes))
        losses = [
            F.cross_entropy(
                logits, own, weight=weight, label_smoothing=self.label_smoothing, reduction="sum", ignore_index=UNKNOWN
            )
            for (logits, own), weight in zip(self._by_head(outputs, labels), weights, strict=True)
        ]
        return torch.stack(losses).sum() / len(self.sizes)

    def _by_head(self, outputs: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
        return list(zip(torch.split(outputs, list(self.sizes), dim=1), labels.unbind(1), strict=True))
