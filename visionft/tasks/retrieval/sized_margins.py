"""ArcFace with a margin for each product: the fewer photos it has, the wider."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from torch import Tensor

SCALE = 30.0
"""Of the cosines before the softmax; 64, as for a million faces, lets few products have no gradient left."""
WIDEST, NARROWEST, POWER = 0.5, 0.05, 0.25
"""A product of n photos has the margin WIDEST * n ** -POWER + NARROWEST, in radians (arXiv 2010.05350)."""
_NEAR_ONE = 1.0 - 1e-6  # the slope of the arc cosine is infinite at 1, where an embedding lies at its place


def margins(counts: Sequence[int]) -> Tensor:
    """Return the margins (C,) in radians of products of so many training photos, each from 1."""
    return WIDEST * torch.tensor(counts, dtype=torch.float32) ** -POWER + NARROWEST


class SizedMargins(ArcFaceLoss):  # type: ignore[misc]  # the library has no types
    """The additive angular margin (ArcFace, arXiv 1801.07698) with margins by the products' sizes.

    Args:
        counts: (C,) training photos of each product, each from 1.
        size: P, the numbers of an embedding.
    """

    margins: Tensor

    def __init__(self, counts: Sequence[int], size: int) -> None:
        super().__init__(num_classes=len(counts), embedding_size=size, margin=0.0, scale=SCALE)
        self.register_buffer("margins", margins(counts), persistent=False)
        self._margin = torch.zeros(0)

    def compute_loss(self, embeddings: Tensor, labels: Tensor, *rest: Any) -> Any:
        """Return the library's losses of embeddings (B, P) and labels (B,) in [0, C)."""
        self._margin = self.margins[labels]
        return super().compute_loss(embeddings, labels, *rest)

    def modify_cosine_of_target_classes(self, cosine: Tensor) -> Tensor:
        """Return the cosines (B,) of the photos with their products, each turned away by its margin."""
        margin = self._margin
        angle = torch.acos(cosine.clamp(-_NEAR_ONE, _NEAR_ONE))
        # Past pi the cosine would rise again: there it goes on falling in a straight line.
        return torch.where(angle <= math.pi - margin, torch.cos(angle + margin), cosine - margin * torch.sin(margin))
