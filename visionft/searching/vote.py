"""Classes by a vote of the nearest photos of an index, weighted by similarity (arXiv 1805.01978, 2104.14294).

How many vote, how sharply, and how much is left to all classes alike is chosen by asking indexed photos without
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.searching.store import Store
from visionft.searching.threshold import FEWEST, Chunk

ASKED = 500
"""Indexed photos that are asked, at most: their accuracy is known to within 2 points."""
NUMBERS = (1, 3, 5, 10, 20, 50)
TEMPERATURES = (0.02, 0.035, 0.07, 0.14, 0.28)  # 0.07 is that of the papers
SHARES = (0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True)
class Vote:
    """How the nearest photos vote.

    Attributes:
        k: photos that vote, at most.
        temperature: a photo at cosine s has the weight exp(s / temperature).
        share: of the probability, in (0, 1), that all classes have alike: the nearest photos may all be wrong.
        top1: share in [0, 1] of indexed photos that get their class without themselves; None: too few to choose by.
        log_loss: of the same photos, in nats.
        asked: how many they are.
    """

    k: int = 1
    temperature: float = 0.07
    share: float = 0.03
    top1: float | None = None
    log_loss: float | None = None
    asked: int = 0

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Vote:
        """Read what `to_json` returned."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def probabilities(
        self, scores: NDArray[np.floating], labels: NDArray[np.integer], classes: int
    ) -> NDArray[np.float64]:
        """Return the probabilities (n, C) of n photos, by cosines and class indices (n, m) of the nearest, best first.

        A cosine of -inf does not vote; where none does, all classes are alike.
        """
        near, names = scores[:, : self.k].astype(np.float64), labels[:, : self.k]
        best = np.where(np.isfinite(near[:, :1]), near[:, :1], 0.0)
        weight = np.exp((near - best) / self.temperature)  # a common factor, which keeps low temperatures finite
        votes = np.zeros((len(near), classes))
        np.add.at(votes, (np.arange(len(near))[:, None], names), weight)
        total = votes.sum(axis=1, keepdims=True)
        shares = np.divide(votes, total, out=np.full_like(votes, 1 / classes), where=total > 0)
        told: NDArray[np.float64] = (1 - self.share) * shares + self.share / classes
        return told

    def __str__(self) -> str:
        who = "the nearest photo decides" if self.k == 1 else f"the {self.k} nearest photos vote, at exp(cosine / "
        who += "" if self.k == 1 else f"{self.temperature:g})"
        if self.top1 is None:
            return f"{who}: too few indexed photos have another of their class beside them to choose better by"
        return f"{who}: of {self.asked:,} indexed photos, each asked without itself, {self.top1:.1%} get their class"


def fit_vote(store: Store) -> Vote:
    """Choose the vote of the least log-loss on indexed photos, each asked without itself and its copies."""
    labels = store.labels()
    queries = store.sample(ASKED)
    if not labels or not queries.products:
        return Vote()
    names = {name: number for number, name in enumerate(sorted(set(labels.values())))}
    numbers = {photo: names[label] for photo, label in labels.items()}
    truth = np.array([numbers.get(photo, -1) for photo in queries.ids.tolist()])
    shared = np.bincount(list(numbers.values()), minlength=len(names)) > 1
    known = (truth >= 0) & shared[truth]
    if known.sum() < FEWEST:
        return Vote()
    scores, nearest = _nearest(queries, store.chunks(), numbers)
    return _best(scores[known], nearest[known], truth[known], len(names))


def _best(scores: NDArray[np.float32], labels: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> Vote:
    found: list[Vote] = []
    for k, temperature, share in product(NUMBERS, TEMPERATURES, SHARES):
        vote = Vote(k, temperature, share)
        told = vote.probabilities(scores, labels, classes)
        loss = float(-np.log(told[np.arange(len(truth)), truth]).mean())
        found.append(Vote(k, temperature, share, float((told.argmax(axis=1) == truth).mean()), loss, len(truth)))
    return min(found, key=lambda vote: vote.log_loss or 0.0)


def _nearest(
    queries: Chunk, gallery: Iterable[Chunk], numbers: dict[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return cosines and class indices (q, m) of the nearest labelled photos of other bytes, best first."""
    most = max(NUMBERS)
    best = np.full((len(queries.ids), most), -np.inf, np.float32)
    labels = np.zeros((len(queries.ids), most), np.int64)
    files = _numbered(queries.digests)
    asked = np.array([files[digest] for digest in queries.digests])[:, None]
    for chunk in gallery:
        own = np.array([numbers.get(photo, -1) for photo in chunk.ids.tolist()])
        copy = asked == np.array([files.get(digest, -1) for digest in chunk.digests])[None]
        scores = np.where(copy | (own < 0)[None], -np.inf, queries.vectors @ chunk.vectors.T).astype(np.float32)
        both = np.concatenate([best, scores], axis=1)
        names = np.concatenate([labels, np.broadcast_to(np.maximum(own, 0), scores.shape)], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, :most]
        best, labels = np.take_along_axis(both, order, 1), np.take_along_axis(names, order, 1)
    return best, labels


def _numbered(values: Sequence[bytes]) -> dict[bytes, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values))}
