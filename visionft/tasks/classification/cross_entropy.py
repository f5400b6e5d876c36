"""The training loss: cross-entropy with label smoothing, class weights, adjusted logits and mixed targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.machine.arithmetic import full_precision
from visionft.runs.criterion import Criterion, Figures, Photos, Targets


class ClassificationLoss(Criterion):
    """Cross-entropy of logits (B, C) against one label a photo, or a mixture of two (arXiv 1512.00567 for smoothing).

    Args:
        label_smoothing: mass in [0, 1) moved from the true class to all classes.
        class_weights: (C,) positive weights, mean 1 over the training photos; none weighs all alike.
        log_prior: (C,) what is added to logits in training alone (arXiv 2007.07314); none: nothing is.
    """

    def __init__(
        self, label_smoothing: float, class_weights: Tensor | None = None, log_prior: Tensor | None = None
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.register_buffer("log_prior", log_prior, persistent=False)
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over logits [B, C], in fp32.

        The caller divides by the photos of the whole optimizer step.
        """
        logits = outputs.float()
        if isinstance(self.log_prior, Tensor):
            logits = logits + self.log_prior
        loss = self._sum(logits, targets.labels)
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._sum(logits, targets.others)

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return (log-loss, hits, photos) of logits (B, C), summed: neither weighed, smoothed nor adjusted."""
        loss = F.cross_entropy(outputs, labels, reduction="sum")
        hits = (outputs.argmax(1) == labels).sum()
        return torch.stack([loss, hits.float(), torch.full_like(loss, len(labels))])

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean log-loss and top-1."""
        loss, hits, photos = sums
        return Figures(loss / photos, hits / photos)

    @torch.no_grad()
    def solved_figures(self, head: nn.Module, validation: Photos) -> Figures:
        """Return mean log-loss and top-1, each a mean of its own: the bits of earlier runs' epoch 0."""
        features, labels = validation.on(next(head.parameters()).device)
        with full_precision():
            logits = head(features)
        return Figures(F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item())

    def _sum(self, logits: Tensor, labels: Tensor) -> Tensor:
        weights = self.class_weights
        assert weights is None or isinstance(weights, Tensor)
        return F.cross_entropy(logits, labels, weight=weights, label_smoothing=self.label_smoothing, reduction="sum")
