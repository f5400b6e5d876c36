"""The loss at the node that a photo is labelled with: of what lies below it nothing is asked.

`marginal` is -log p(node), p(node) being the sum over its leaves; of a leaf that is cross-entropy. `hxe` is the
hierarchical cross-entropy of Bertinetto et al. (arXiv 1912.09393): the sum over the levels down to the node of
-w log p(node | parent), where w falls by a factor from level to level, so that coarse errors cost most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionft.runs.criterion import Criterion, Figures, Targets
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree

Kind = Literal["marginal", "hxe"]
ALPHA = 0.4
"""By which the logarithm of a level's weight falls from level to level; the paper tries 0.1 to 0.6."""


class MarginalLoss(Criterion):
    """The loss of logits (B, L) of leaves against nodes (B,).

    Args:
        tree: the nodes.
        kind: which of the two.
    """

    under: Tensor
    lines: Tensor
    shares: Tensor
    cuts: Tensor
    depths: Tensor

    def __init__(self, tree: Tree, kind: Kind = "marginal") -> None:
        super().__init__()
        self.kind = kind
        self.register_buffer("under", torch.from_numpy(tree.above.T.astype(bool)), persistent=False)  # (N, L)
        self.register_buffer("lines", torch.from_numpy(tree.ancestors), persistent=False)  # (N, levels)
        self.register_buffer("shares", torch.from_numpy(shares(tree, ALPHA)), persistent=False)  # (N, levels)
        self.register_buffer("cuts", torch.from_numpy(_cuts(tree)), persistent=False)  # (levels, L)
        self.register_buffer("depths", torch.from_numpy(tree.cut_of(np.arange(len(tree))) - 1), persistent=False)

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over photos, in fp32; of mixed photos each has its share of the loss."""
        loss = self._loss(outputs.float(), targets.labels)
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._loss(outputs.float(), targets.others)

    def each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return (B,) the loss of each photo."""
        if self.kind == "marginal":
            return -self._log_probability(outputs, labels)
        lines, found = self.lines[labels], torch.zeros(len(labels), dtype=outputs.dtype, device=outputs.device)
        for level in range(lines.shape[1]):
            has = lines[:, level] != ROOT
            told = self._log_probability(outputs, lines[:, level].clamp_min(0))
            found = found - torch.where(has, told * self.shares[labels, level].to(outputs.dtype), 0.0)
        return found

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return (marginal loss, hits, photos) of logits (B, L), summed: whatever the loss, so that two compare."""
        logits = outputs.float()
        loss = -self._log_probability(logits, labels).sum()
        hits = torch.zeros_like(loss)
        for depth, cut in enumerate(self.cuts):
            at = self.depths[labels] == depth
            hits += ((_best_of_cut(logits, cut, len(self.under)) == labels) & at).sum()  # no wait for a mask
        return torch.stack([loss, hits, torch.full_like(loss, len(labels))])

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean loss and top-1: the share whose label is the most probable node of its level."""
        loss, hits, photos = sums
        return Figures(loss / photos, hits / photos)

    def _loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return self.each(outputs, labels).sum()

    def _log_probability(self, logits: Tensor, nodes: Tensor) -> Tensor:
        """Return (B,) log p of a node each: no probability underflows on the way."""
        own = logits.masked_fill(~self.under[nodes], -math.inf)
        return torch.logsumexp(own, 1) - torch.logsumexp(logits, 1)


def shares(tree: Tree, alpha: float) -> NDArray[np.float32]:
    """Return (N, levels) what -log p of the node above each node at each depth weighs in its loss.

    The sum over depths d of w(d) (-log p(d) + log p(d - 1)), ordered by p: w(d) - w(d + 1), and w(d) at the node
    itself, with w(d) = exp(-alpha (d - 1)).
    """
    weights = np.exp(-alpha * np.arange(tree.levels + 1))
    found = np.tile((weights[:-1] - weights[1:]).astype(np.float32), (len(tree), 1))
    found[np.arange(len(tree)), tree.depths - 1] = weights[tree.depths - 1]
    found[tree.ancestors == ROOT] = 0
    return found


def _cuts(tree: Tree) -> NDArray[np.int64]:
    return np.stack([tree.cut(depth) for depth in range(1, tree.levels + 1)])


def _best_of_cut(logits: Tensor, cut: Tensor, nodes: int) -> Tensor:
    """Return (B,) the most probable node of a cut (L,) through the tree."""
    mass = torch.zeros(len(logits), nodes, device=logits.device)
    return mass.index_add_(1, cut, torch.softmax(logits, 1)).argmax(1)
