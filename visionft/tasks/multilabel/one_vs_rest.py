"""Solve the linear head on features of the frozen backbone: a logistic regression for each label, no epochs.

The labels do not compete, so that the problem falls apart into one for each; they are solved side by side, each over
the photos whose entry is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from visionft.tasks.multilabel.masked_loss import balanced
from visionft.training.lbfgs import minimum
from visionft.training.linear_probe import INVERSE_REGULARISATION

MOST_ITERATIONS = 200
WORSE_IN_A_ROW = 2  # the validation loss has one minimum along the path; two rises end the search


@dataclass(frozen=True)
class Solved:
    """A solved head.

    Attributes:
        weight: (C, D) on the raw features; zeros of a label all of whose known entries are one.
        bias: (C,).
        strength: inverse regularisation that was kept.
        tried: strengths that were tried.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float
    tried: int


def solve(
    train: NDArray[np.floating],
    labels: NDArray[np.integer],
    held_out: NDArray[np.floating],
    held_out_labels: NDArray[np.integer],
    *,
    weighed: bool = False,
    strengths: Sequence[float] = INVERSE_REGULARISATION,
) -> Solved:
    """Solve for rising strengths, each from the last one's solution, and keep the least validation loss.

    A label all of whose known entries are one cannot be told by features: it gets its share, with a half photo of each
    kind added, and no weights.

    Args:
        train: (N, D) features of the training photos.
        labels: (N, C) entries 1, 0, or -1 where nobody knows.
        held_out: (M, D) features of the validation photos.
        held_out_labels: (M, C) their entries.
        weighed: weigh the photos that have a label and those that lack it alike.
        strengths: inverse regularisation strengths in rising order.
    """
    mean, scale = train.mean(0), train.std(0) + 1e-6
    z, y = (torch.from_numpy(((part - mean) / scale).astype(np.float32)) for part in (train, held_out))
    shares = _shares(labels)
    problem = _Problem(z, torch.from_numpy(labels), balanced(labels).double() if weighed else None)
    rows = torch.zeros(labels.shape[1], train.shape[1], dtype=torch.float64)
    bias, truth = torch.from_numpy(shares), torch.from_numpy(held_out_labels)
    losses, best = list[float](), (rows, bias)
    for strength in strengths:
        rows, bias = problem.solve(rows, bias, strength)
        losses.append(_loss(_logits(y, rows, bias), truth, None).item())
        if losses[-1] == min(losses):
            best = rows, bias
        elif min(losses[-WORSE_IN_A_ROW:]) > min(losses):
            break
    weight = best[0].numpy() / scale
    chosen = strengths[int(np.argmin(losses))]
    return Solved(weight.astype(np.float32), (best[1].numpy() - weight @ mean).astype(np.float32), chosen, len(losses))


class _Problem:
    """The regressions of the labels that some photos have and others lack, whatever their strength."""

    def __init__(self, z: Tensor, entries: Tensor, weights: Tensor | None) -> None:
        self.z = z
        self.open = torch.nonzero((entries == 1).any(0) & (entries == 0).any(0)).flatten()
        self.entries = entries[:, self.open]
        self.weights = None if weights is None else weights[:, self.open]

    def solve(self, rows: Tensor, bias: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """Return all rows (C, D) and biases (C,), those that can be told anew, searched from the given ones."""
        if not len(self.open):
            return rows, bias
        start = rows[self.open], bias[self.open]
        found = minimum(partial(self._loss, strength=strength), start, MOST_ITERATIONS, 1e-9)
        return rows.index_copy(0, self.open, found[0]), bias.index_copy(0, self.open, found[1])

    def _loss(self, rows: Tensor, bias: Tensor, strength: float) -> Tensor:
        """Return the loss of known entries a photo, plus |rows|^2 / (2 N strength): []."""
        loss = _loss(_logits(self.z, rows, bias), self.entries, self.weights)
        return loss + rows.square().sum() / (2 * strength * len(self.z))


def _logits(features: Tensor, rows: Tensor, bias: Tensor) -> Tensor:
    return (features @ rows.T.to(features.dtype)).double() + bias


def _loss(logits: Tensor, entries: Tensor, weights: Tensor | None) -> Tensor:
    """Return the cross-entropy of known entries a photo: []."""
    each = F.binary_cross_entropy_with_logits(logits, (entries == 1).double(), reduction="none")
    if weights is not None:
        each = each * torch.where(entries == 1, weights[1], weights[0])
    return (each * (entries >= 0)).sum() / len(logits)


def _shares(labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the logit (C,) of the share of photos that have each label, a half photo of each kind added."""
    having, lacking = ((labels == value).sum(axis=0) + 0.5 for value in (1, 0))
    found: NDArray[np.float64] = np.log(having / lacking)
    return found
