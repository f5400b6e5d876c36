"""Solve the linear head on features of the frozen backbone: multinomial logistic regression, no epochs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

Features = NDArray[np.floating]

INVERSE_REGULARISATION = tuple(10.0 ** (k / 2) for k in range(-8, 3))  # 1e-4 to 10 on standardised features
ONE_THREAD = 64_000_000
"""Bytes: products with a few columns read the features and hardly compute, and threads wait for each other at every one
(benchmarks/frozen.py: one thread is 3.3 times as fast as two, on an idle machine)."""
WORSE_IN_A_ROW = 2  # the validation loss has one minimum along the path; two rises end the search


class Tried(NamedTuple):
    """One strength on the path.

    Attributes:
        strength: inverse regularisation.
        loss: log-loss on validation, in nats.
        top1: accuracy on validation, in [0, 1].
    """

    strength: float
    loss: float
    top1: float


@dataclass(frozen=True)
class Probe:
    """A solved linear head.

    Attributes:
        weight: (C, D) on the raw features (standardisation is folded in).
        bias: (C,).
        chosen: the strength that was kept, with its figures.
        path: every strength tried, in rising order.
    """

    weight: Features
    bias: Features
    chosen: Tried
    path: tuple[Tried, ...]


def solve(
    train: Features,
    labels: NDArray[np.int64],
    held_out: Features,
    held_out_labels: NDArray[np.int64],
    *,
    weights: Features | None = None,
    strengths: Sequence[float] = INVERSE_REGULARISATION,
) -> Probe:
    """Fit the head for rising strengths, each from the last one's solution, and keep the least validation log-loss.

    Args:
        train: (N, D) features of the training photos.
        labels: (N,) class indices; every class 0..C-1 occurs.
        held_out: (M, D) features of the validation photos.
        held_out_labels: (M,) their class indices; classes may be absent.
        weights: (C,) of the classes in the loss; none: all are alike.
        strengths: inverse regularisation strengths in rising order.
    """
    mean, scale = train.mean(0), train.std(0) + 1e-6
    x, y = (train - mean) / scale, (held_out - mean) / scale
    classes = np.arange(labels.max() + 1)
    model = LogisticRegression(max_iter=300, warm_start=True, tol=1e-3, class_weight=_by_class(weights))
    best: tuple[Tried, Features, Features] | None = None
    path: list[Tried] = []
    threads = 1 if x.nbytes <= ONE_THREAD else None
    for strength in strengths:
        model.set_params(C=strength)
        with (
            warnings.catch_warnings(),
            threadpool_limits(threads, "blas"),
        ):  # an unconverged strong fit is still a valid candidate for validation to judge
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, labels)
        p = model.predict_proba(y)
        loss = float(log_loss(held_out_labels, p, labels=classes))
        path.append(Tried(strength, loss, float((p.argmax(1) == held_out_labels).mean())))
        if best is None or loss < best[0].loss:
            best = (path[-1], model.coef_.copy(), model.intercept_.copy())
        elif worse_in_a_row(path, best[0]):
            break
    assert best is not None
    weight, bias = _both_classes(best[1], best[2])
    weight = weight / scale
    return Probe(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), best[0], tuple(path))


def _by_class(weights: Features | None) -> dict[int, float] | None:
    return None if weights is None else dict(enumerate(weights.tolist()))


def worse_in_a_row(path: Sequence[Tried], best: Tried) -> bool:
    """Whether all of the last strengths came after the best one and lose more."""
    last = path[-WORSE_IN_A_ROW:]
    return last[0].strength > best.strength and min(tried.loss for tried in last) > best.loss


def _both_classes(weight: Features, bias: Features) -> tuple[Features, Features]:
    """Return a row for each class: scikit-learn keeps only the second one's where there are two."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
