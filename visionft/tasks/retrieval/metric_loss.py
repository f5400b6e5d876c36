"""The training loss of embeddings: those of pytorch-metric-learning, and figures of all photos together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.metrics import unit
from visionft.runs.criterion import Criterion, Figures, Targets
from visionft.tasks.retrieval.leave_one_out import leave_one_out

Kind = Literal["arcface", "proxy_anchor", "supcon"]


class MetricLoss(Criterion):
    """A loss of outputs (B, P), which are brought to length 1, against the products of the photos.

    `arcface` (arXiv 1801.07698, with margins by size) and `proxy_anchor` (arXiv 2003.13911) keep a place for each
    product, which trains with the head and is left behind at the end; `supcon` (arXiv 2004.11362) compares photos.

    Args:
        kind: which loss; none: somebody else's takes its place, and it measures alone.
        size: P.
        counts: (C,) training photos of each product; those without any have no place.
        seed: of the places, before there are better ones.
    """

    gathers = True
    column: Tensor

    def __init__(self, kind: Kind | None, size: int, counts: Sequence[int], seed: int) -> None:
        super().__init__()
        trained = torch.tensor(counts) > 0
        column = torch.where(trained, trained.cumsum(0) - 1, -1)
        self.register_buffer("column", column, persistent=False)
        self.inner = None if kind is None else _loss(kind, size, [number for number in counts if number])
        places = self._places()
        if places is not None:
            drawn = torch.randn(places.shape, generator=torch.Generator().manual_seed(seed))
            places.data.copy_(F.normalize(drawn, dim=1))

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the loss [] of outputs [B, P], times B; of mixed photos each label has its share of it."""
        embeddings = outputs.float()
        with torch.autocast(outputs.device.type, enabled=False):  # cosines near 1 need all digits
            embeddings = F.normalize(embeddings, dim=1)
            loss = self._sum(embeddings, targets.labels)
            if targets.others is None:
                return loss
            return targets.share * loss + (1 - targets.share) * self._sum(embeddings, targets.others)

    @torch.no_grad()
    def begin(self, centres: NDArray[np.float32]) -> None:
        """Put the places where the products' photos lie, (C, P) of length 1."""
        places = self._places()
        if places is not None:
            own = np.flatnonzero(self.column.cpu().numpy() >= 0)
            places.data.copy_(torch.from_numpy(centres[own]))

    def measured(self, outputs: Tensor, labels: Tensor) -> Figures:
        """Return 1 - mAP as the loss, which products that training never saw have too, and recall@1, of all photos.

        Both are nan where outputs are not finite.
        """
        if not torch.isfinite(outputs).all():
            return Figures(math.nan, math.nan)
        found = leave_one_out(unit(outputs.float().cpu().numpy()), labels.cpu().numpy())
        return Figures(1.0 - float(found.precision.mean()), float((found.ranks == 1).mean()))

    def _sum(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        assert self.inner is not None, "somebody else's loss takes its place"
        loss: Tensor = self.inner(embeddings, self.column[labels])
        return loss * len(labels)

    def _places(self) -> Tensor | None:
        """Return the places (C, P), as the loss keeps them."""
        if self.inner is None:
            return None
        weight = getattr(self.inner, "W", None)
        return getattr(self.inner, "proxies", None) if weight is None else weight.T


def _loss(kind: Kind, size: int, counts: Sequence[int]) -> nn.Module:
    # Here, not above: whoever evaluates a run needs no loss.
    from pytorch_metric_learning import losses

    from visionft.tasks.retrieval.sized_margins import SizedMargins

    found: nn.Module
    if kind == "arcface":
        found = SizedMargins(counts, size)
    elif kind == "proxy_anchor":
        found = losses.ProxyAnchorLoss(num_classes=len(counts), embedding_size=size)
    else:
        found = losses.SupConLoss()
    return found
