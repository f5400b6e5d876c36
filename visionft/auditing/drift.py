"""Do two sets of photos look different? A classifier two-sample test on embeddings, and which directions moved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

FEWEST = 20  # photos of each set
MOST = 5_000  # of each set, drawn at random: more tell no more
FOLDS = 5
STRENGTH = 0.01  # inverse regularisation: a stiff classifier, which learns no photo by heart
MOVED = 0.65
"""AUROC whose lower bound tells two sets apart in earnest: of a photo from each, the classifier then names the right
one two times in three."""
LEVEL = 0.05


@dataclass(frozen=True)
class Drift:
    """How far two sets of photos can be told apart.

    Attributes:
        auroc: of a classifier that never saw the photos it tells apart; 0.5: not at all, 1: always.
        low: lower end of its 95 % interval.
        high: upper end.
        directions: share of the embedding's dimensions whose distributions differ (Kolmogorov-Smirnov, Bonferroni).
        photos: of each set that were compared.
    """

    auroc: float
    low: float
    high: float
    directions: float
    photos: tuple[int, int]

    @property
    def moved(self) -> bool:
        """Whether the sets differ so much that figures on one say little of the other."""
        return self.low > MOVED

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "photos": list(self.photos), "moved": self.moved}

    def __str__(self) -> str:
        told = f"AUROC {self.auroc:.2f} ({self.low:.2f} to {self.high:.2f}) of telling them apart by looks"
        return f"{told}, {self.directions:.0%} of the embedding's directions moved"


def compare_sets(first: NDArray[np.float32], second: NDArray[np.float32], seed: int = 0) -> Drift | None:
    """Compare two sets of embeddings (n, D) and (m, D) by a classifier two-sample test (arXiv 1610.06545).

    The interval is that of Hanley and McNeil (1982). None where a set has fewer than `FEWEST` photos.
    """
    if min(len(first), len(second)) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    a, b = (x[rng.permutation(len(x))[:MOST]] for x in (first, second))
    features = StandardScaler().fit_transform(np.concatenate([a, b]))
    side = np.repeat([0, 1], [len(a), len(b)])
    fold = np.concatenate([np.arange(len(a)), np.arange(len(b))]) % FOLDS
    scores = np.empty(len(side))
    with threadpool_limits(1):
        for number in range(FOLDS):
            inside = fold == number
            model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300)
            scores[inside] = model.fit(features[~inside], side[~inside]).decision_function(features[inside])
    auroc = area(scores[side == 0], scores[side == 1])
    half = 1.96 * standard_error(auroc, len(a), len(b))
    p = stats.ks_2samp(features[side == 0], features[side == 1], axis=0, method="asymp").pvalue
    moved = float((np.asarray(p) * features.shape[1] < LEVEL).mean())
    return Drift(auroc, max(0.0, auroc - half), min(1.0, auroc + half), moved, (len(a), len(b)))


def area(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Return the chance that one of `high` (m,) is above one of `low` (n,), ties half: the area under the ROC curve."""
    ranks = stats.rankdata(np.concatenate([low, high]))
    return float((ranks[len(low) :].sum() - len(high) * (len(high) + 1) / 2) / (len(low) * len(high)))


def standard_error(auroc: float, first: int, second: int) -> float:
    """Return the standard error of an area under the ROC curve (Hanley and McNeil 1982)."""
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc) + (second - 1) * (q1 - auroc**2) + (first - 1) * (q2 - auroc**2)
    return float(np.sqrt(max(0.0, variance) / (first * second)))
