"""Solve some rows of a linear head while the others stay as they are: a convex problem, no epochs.

The softmax runs over all classes. To the rows that are solved, those that are fixed are one column: the logarithm of
the sum of their exponentials. So the problem is a multinomial logistic regression with an offset.
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

from visionft.metrics.calibration_error import log_loss
from visionft.training.lbfgs import minimum
from visionft.training.linear_probe import INVERSE_REGULARISATION, Features, Probe, Tried, worse_in_a_row

MOST_ITERATIONS = 300


@dataclass(frozen=True)
class Rows:
    """The free rows of a head on standardised features: the problem, whatever its strength.

    Attributes:
        z: (N, D) standardised features.
        rest: (N, 0 or 1) logits of all fixed classes together.
        targets: (N,) columns of [rest, free rows].
        weights: (N,) of the photos in the loss.
        centre: (F, D) what the rows are drawn to.
    """

    z: Tensor
    rest: Tensor
    targets: Tensor
    weights: Tensor
    centre: Tensor

    def loss(self, rows: Tensor, bias: Tensor, strength: float) -> Tensor:
        """Return the mean cross-entropy of rows (F, D) and bias (F,), plus |rows - centre|^2 / (2 N strength): []."""
        logits = torch.cat([self.rest, (self.z @ rows.T.to(self.z.dtype)).double() + bias], 1)
        each = F.cross_entropy(logits, self.targets, reduction="none") * self.weights
        return each.mean() + (rows - self.centre).square().sum() / (2 * strength * len(self.z))

    def solve(self, rows: Tensor, bias: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """Return the minimum, searched from the given rows (F, D) and bias (F,)."""
        found = minimum(partial(self.loss, strength=strength), (rows, bias), MOST_ITERATIONS, 1e-10)
        return found[0], found[1]


def extend(
    train: Features,
    labels: NDArray[np.int64],
    held_out: Features,
    held_out_labels: NDArray[np.int64],
    *,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    free: Sequence[int],
    weights: Features | None = None,
    strengths: Sequence[float] = INVERSE_REGULARISATION,
) -> Probe:
    """Solve the free rows for rising strengths, drawn to what they are, and keep the least validation log-loss.

    Args:
        train: (N, D) features of the training photos.
        labels: (N,) class indices; every class 0..C-1 occurs.
        held_out: (M, D) features of the validation photos.
        held_out_labels: (M,) their class indices; classes may be absent.
        weight: (C, D) of the head as it is; new rows are zero.
        bias: (C,) of the head as it is.
        free: indices of the rows to solve, at least one; all others come back bit for bit.
        weights: (C,) of the classes in the loss; none: all are alike.
        strengths: inverse regularisation strengths in rising order; 0 keeps the free rows as they are.
    """
    mean, scale = train.mean(0), train.std(0) + 1e-6
    chosen = np.asarray(free)
    logits = train @ weight.T + bias
    problem = _problem((train - mean) / scale, logits, labels, weight[chosen] * scale, chosen, weights)
    rows, offset = problem.centre, torch.from_numpy(bias[chosen] + weight[chosen] @ mean).double()
    best: tuple[Tried, Features, Features] | None = None
    path: list[Tried] = []
    for strength in strengths:
        filled = weight.copy(), bias.copy()
        if strength:
            rows, offset = problem.solve(rows, offset, strength)
            raw = rows.numpy() / scale
            filled[0][chosen], filled[1][chosen] = raw, offset.numpy() - raw @ mean
        logits = held_out @ filled[0].T + filled[1]
        loss = log_loss(logits, held_out_labels)
        path.append(Tried(strength, loss, float((logits.argmax(1) == held_out_labels).mean())))
        if best is None or loss < best[0].loss:
            best = (path[-1], *filled)
        elif worse_in_a_row(path, best[0]):
            break
    assert best is not None
    return Probe(best[1], best[2], best[0], tuple(path))


def _problem(
    z: Features,
    logits: Features,
    labels: NDArray[np.int64],
    centre: Features,
    free: NDArray[np.int64],
    weights: Features | None,
) -> Rows:
    fixed = np.setdiff1d(np.arange(logits.shape[1]), free)
    rest = torch.from_numpy(logits[:, fixed]).double().logsumexp(1, keepdim=True)
    column = np.zeros(logits.shape[1], np.int64)
    column[free] = np.arange(len(free)) + (len(fixed) > 0)
    of_photos = np.ones(len(labels)) if weights is None else weights[labels]
    return Rows(
        torch.from_numpy(z),
        rest[:, : int(len(fixed) > 0)],
        torch.from_numpy(column[labels]),
        torch.from_numpy(of_photos),
        torch.from_numpy(centre).double(),
    )
