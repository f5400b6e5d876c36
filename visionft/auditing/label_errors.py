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
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Inverse strengths of the penalty that are tried on the first fold: that of the lowest log-loss there is taken, which
does not learn wrong labels by heart."""
DOUBTFUL = 3.0  # times that another class is more probable: such photos are not learnt from in the second round
SHARE = 0.05  # of a class's mean own probability (benchmarks/wrong_labels.py)
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
    """Judge every label by a logistic regression that has seen neither the photo nor its copies, nor doubtful photos.

    In a first round it learns from all photos of other folds, in a second one from those that the first did not doubt.

    Args:
        embed: gives the embeddings (m, D) of photos by their indices.
        labels: (n,) class indices in [0, C).
        pieces: (n,) number of the group of copies that a photo is in: one never lies in two folds.
        classes: C.
        seed: of the folds.
        on_progress: called with (folds done, folds in all).
    """
    judged = _judgeable(labels, pieces, classes)
    if len(np.unique(labels[judged])) < 2:
        nothing = np.full((len(labels), classes), np.nan, np.float32)
        return LabelQuality(nothing, nothing[:, 0], np.zeros(len(labels), bool))
    rounds = _Rounds(embed, labels, folds(labels, pieces, seed), judged, classes, seed, on_progress)
    first = rounds.answers(judged)
    own = first[np.arange(len(labels)), labels]
    doubtful = judged & (first.argmax(axis=1) != labels) & (first.max(axis=1) > DOUBTFUL * own)
    # Without a class's sound photos nothing could be said of it: each keeps at least those of half its size.
    learnt = judged & ~(doubtful & _spared(doubtful, labels, classes))
    probabilities = rounds.answers(learnt)
    return LabelQuality(probabilities, probabilities[np.arange(len(labels)), labels], suspects(probabilities, labels))


@dataclass(eq=False)
class _Rounds:
    """The folds, gone through once with all photos and once without the doubtful ones."""

    embed: Embed
    labels: NDArray[np.int64]
    fold: NDArray[np.int64]
    judged: NDArray[np.bool_]
    classes: int
    seed: int
    on_progress: Progress | None
    done: int = 0

    def answers(self, learnt: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return out-of-fold probabilities (n, C) by classifiers that learn from some of the photos (n,) alone."""
        found = np.full((len(self.labels), self.classes), np.nan, np.float32)
        strength = STRENGTHS[0]
        for number in range(FOLDS):
            inside = np.flatnonzero((self.fold == number) & self.judged)
            outside = _some(np.flatnonzero((self.fold != number) & learnt), self.seed)
            if number == 0:
                strength = self._best(outside, inside[learnt[inside]])
            found[inside] = _answers(self.embed, self.labels, outside, inside, self.classes, strength)
            self.done += 1
            if self.on_progress:
                self.on_progress(self.done, 2 * FOLDS)
        return found

    def _best(self, outside: NDArray[np.int64], held_out: NDArray[np.int64]) -> float:
        truth = self.labels[held_out]
        tried = [_answers(self.embed, self.labels, outside, held_out, self.classes, one) for one in STRENGTHS]
        return STRENGTHS[int(np.argmin([_log_loss(answers, truth) for answers in tried]))]


def _spared(doubtful: NDArray[np.bool_], labels: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Tell which photos (n,) are of classes that keep half of their photos without the doubtful ones."""
    doubts = np.bincount(labels[doubtful], minlength=classes)
    return np.asarray(2 * doubts <= np.bincount(labels, minlength=classes))[labels]


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


def _some(indices: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return at most `MOST` of the indices, in order."""
    if len(indices) <= MOST:
        return indices
    return np.sort(np.random.default_rng(seed).choice(indices, MOST, replace=False))


def _log_loss(answers: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float(-np.log(np.maximum(answers[np.arange(len(labels)), labels], 1e-6)).mean())


def _answers(
    embed: Embed,
    labels: NDArray[np.int64],
    outside: NDArray[np.int64],
    inside: NDArray[np.int64],
    classes: int,
    strength: float,
) -> NDArray[np.float32]:
    features = embed(outside)
    scaler = StandardScaler().fit(features)
    with threadpool_limits(1):  # the same sums in the same order, whatever the machine
        model = LogisticRegression(C=strength, max_iter=300).fit(scaler.transform(features), labels[outside])
    answers = np.zeros((len(inside), classes), np.float32)
    for start in range(0, len(inside), CHUNK):
        part = inside[start : start + CHUNK]
        answers[start : start + len(part), model.classes_] = model.predict_proba(scaler.transform(embed(part)))
    return answers


def suspects(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which labels (n,) are likely wrong.

    A label is suspect where another class is more probable, and its own probability is below `SHARE` of the mean that
    photos with this label have: as in confident learning (arXiv 1911.00068), a class that the features tell badly is
    held to a lower standard. Beside confident learning's own rule, which asks how probable the other class is, far
    fewer sound labels are said on the same probabilities and, where noise is uniform, nearly as many wrong ones. Where
    one class in ten photos and more is taken for the one most like it, fewer of them (benchmarks/wrong_labels.py).

    Args:
        probabilities: (n, C) out of fold; rows of NaN are not judged.
        labels: (n,) class indices.
    """
    judged = ~np.isnan(probabilities[:, 0])
    sound, own = probabilities[judged], labels[judged]
    found = np.zeros(len(labels), bool)
    if len(own):
        found[judged] = below_standard(sound[np.arange(len(own)), own], sound.argmax(axis=1) != own, own)
    return found


def below_standard(
    confidence: NDArray[np.floating], otherwise: NDArray[np.bool_], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which labels (n,) are likely wrong by the rule of `suspects`, from what it needs of the probabilities.

    Args:
        confidence: (n,) probability of the photo's own label, by a model that did not see the photo.
        otherwise: (n,) whether another class is more probable.
        labels: (n,) class indices.
    """
    totals = np.bincount(labels, confidence)
    standard = totals / np.maximum(1, np.bincount(labels))
    return np.asarray(otherwise & (confidence < SHARE * standard[labels]))
