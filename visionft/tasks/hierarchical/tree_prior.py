"""Solve the linear head on features of the frozen backbone: a multinomial regression whose rows share along the tree.

The row of a leaf is the sum of one part for each node above it and for itself, and all parts are drawn to zero alike:
recursive regularisation (Gopal and Yang, KDD 2013). So what is common to the apples is learnt from all of them, and a
leaf of few photos starts from its siblings. The loss is the marginal one: a photo labelled above a leaf has its part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionft.runs.criterion import Photos
from visionft.tasks.hierarchical.marginal_loss import MarginalLoss
from visionft.tasks.hierarchical.taxonomy_tree import Tree
from visionft.training.lbfgs import minimum
from visionft.training.linear_probe import INVERSE_REGULARISATION

MOST_ITERATIONS = 100
TOLERANCE = 1e-5  # of the loss, in nats: far below what validation tells apart
WORSE_IN_A_ROW = 2
"""Rises that end the search, where all photos are labelled as leaves: the validation loss then has one minimum. Others
make it rise and fall again, as they part parents long before the few of the leaves have a say."""


@dataclass(frozen=True)
class Solved:
    """A solved head.

    Attributes:
        weight: (L, D) on the raw features.
        bias: (L,).
        strength: inverse regularisation that was kept.
        tried: strengths that were tried.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float
    tried: int


def solve(
    tree: Tree,
    train: Photos,
    held_out: Photos,
    *,
    loss: MarginalLoss,
    strengths: Sequence[float] = INVERSE_REGULARISATION,
) -> Solved:
    """Solve for rising strengths, each from the last one's solution, and keep the least marginal loss on validation.

    Args:
        tree: the nodes.
        train: features (n, D) and nodes (n,) of the training photos.
        held_out: those of the validation photos.
        loss: of the training photos.
        strengths: inverse regularisation strengths in rising order.
    """
    mean, scale = train.features.mean(0), train.features.std(0) + 1e-6
    z, y = (torch.from_numpy(((part.features - mean) / scale).astype(np.float32)) for part in (train, held_out))
    labels, truth = torch.from_numpy(train.labels), torch.from_numpy(held_out.labels)
    above, judge = torch.from_numpy(tree.above), MarginalLoss(tree)
    found = [torch.zeros(len(tree), z.shape[1]), torch.zeros(len(tree.leaves))]
    losses, best, all_leaves = list[float](), found, bool(np.isin(train.labels, tree.leaves).all())

    def total(parts: Tensor, bias: Tensor, strength: float) -> Tensor:
        mean_loss = loss.each(z @ (above @ parts).T + bias, labels).mean()
        return mean_loss + parts.square().sum() / (2 * strength * len(z))

    for strength in strengths:
        found = minimum(partial(total, strength=strength), found, MOST_ITERATIONS, TOLERANCE)
        losses.append(judge.each(y @ (above @ found[0]).T + found[1], truth).mean().item())
        if losses[-1] == min(losses):
            best = found
        elif all_leaves and min(losses[-WORSE_IN_A_ROW:]) > min(losses):
            break
    weight = (above @ best[0]).numpy() / scale
    bias = best[1].numpy() - weight @ mean
    return Solved(weight.astype(np.float32), bias.astype(np.float32), strengths[int(np.argmin(losses))], len(losses))
