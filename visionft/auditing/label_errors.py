"""Likely label errors without a trained run: what other photos say of a photo's class, on frozen features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

FOLDS = 5
REGULARISATION = 0.02
"""Inverse strength of the logistic regression's penalty, chosen on clothing with planted errors
(benchmarks/planted_faults.py): a stiff one does not learn the wrong labels by heart."""
MOST = 20_000  # photos that one fold learns from
CHUNK = 8192

Progress = Callable[[int, int], None]
Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """What photos of other folds say of each label.

    Attributes:
        probabilities: (n, C) float32, out of fold; NaN for photos that cannot be judged, whose class has too few.
        confidence: (n,) the probability of the photo's own label.
        suspect: (n,) whether the label is likely wrong.
    """

    probabilities: NDArray[np.float32]
    confidence: NDArray[np.float32]
    suspect: NDArray[np.bool_]


def judge(
    embed: Embed,
    labels: NDArray[np.int64],
    pieces: NDArray[np.int64],
    classes: int,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> LabelQuality:
    """Judge every label by a logistic regression that has seen neither the photo nor its copies.

    Args:
        embed: gives the embeddings (m, D) of photos by their indices.
        labels: (n,) class indices in [0, C).
        pieces: (n,) number of the group of copies that a photo is in: one never lies in two folds.
        classes: C.
        seed: of the folds.
        on_progress: called with (folds done, folds in all).
    """
    probabilities = np.full((len(labels), classes), np.nan, np.float32)
    judged = _judgeable(labels, pieces, classes)
    fold = folds(labels, pieces, seed)
    if len(np.unique(labels[judged])) > 1:
        for number in range(FOLDS):
            inside = np.flatnonzero((fold == number) & judged)
            outside = np.flatnonzero((fold != number) & judged)
            probabilities[inside] = _answers(embed, labels, outside, inside, classes, seed)
            if on_progress:
                on_progress(number + 1, FOLDS)
    confidence = probabilities[np.arange(len(labels)), labels]
    return LabelQuality(probabilities, confidence, suspects(probabilities, labels))


def folds(labels: NDArray[np.int64], pieces: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Deal pieces to folds (n,), class by class, so that each fold has its share of every class."""
    first, back = np.unique(pieces, return_index=True, return_inverse=True)[1:]
    draw = np.random.default_rng(seed).permutation(len(first))
    order = draw[np.argsort(labels[first][draw], kind="stable")]
    dealt = np.empty(len(first), np.int64)
    dealt[order] = np.arange(len(first)) % FOLDS
    return dealt[back]


def _judgeable(labels: NDArray[np.int64], pieces: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Tell the photos of classes with at least as many different pictures as there are folds."""
    distinct = np.unique(np.stack([labels, pieces], axis=1), axis=0)[:, 0]
    return np.asarray(np.bincount(distinct, minlength=classes) >= FOLDS)[labels]


def _answers(
    embed: Embed,
    labels: NDArray[np.int64],
    outside: NDArray[np.int64],
    inside: NDArray[np.int64],
    classes: int,
    seed: int,
) -> NDArray[np.float32]:
    if len(outside) > MOST:
        outside = np.sort(np.random.default_rng(seed).choice(outside, MOST, replace=False))
    features = embed(outside)
    scaler = StandardScaler().fit(features)
    with threadpool_limits(1):  # the same sums in the same order, whatever the machine
        model = LogisticRegression(C=REGULARISATION, max_iter=300).fit(scaler.transform(features), labels[outside])
    answers = np.zeros((len(inside), classes), np.float32)
    for start in range(0, len(inside), CHUNK):
        part = inside[start : start + CHUNK]
        answers[start : start + len(part), model.classes_] = model.predict_proba(scaler.transform(embed(part)))
    return answers


def suspects(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which labels (n,) are likely wrong: confident learning (arXiv 1911.00068).

    A photo counts for each class whose probability reaches the mean that the photos with this label give it; of those
    the most probable one is its likely class, and the label is suspect where it is another. So a class that the
    features tell badly is held to a lower standard.

    Args:
        probabilities: (n, C) out of fold; rows of NaN are not judged.
        labels: (n,) class indices.
    """
    judged = ~np.isnan(probabilities[:, 0])
    sound, own = probabilities[judged], labels[judged]
    found = np.zeros(len(labels), bool)
    if not len(own):
        return found
    totals = np.bincount(own, sound[np.arange(len(own)), own], probabilities.shape[1])
    standard = totals / np.maximum(1, np.bincount(own, minlength=probabilities.shape[1]))
    standard[np.bincount(own, minlength=probabilities.shape[1]) == 0] = np.inf
    above = np.where(sound >= standard - 1e-6, sound, -1.0)
    found[judged] = (above.max(axis=1) >= 0) & (above.argmax(axis=1) != own)
    return found
