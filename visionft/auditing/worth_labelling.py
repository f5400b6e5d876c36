"""Which photos are most worth labelling: typical ones while few are labelled, then uncertain ones, never all alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

NEIGHBOURS = 20
"""Photos that say how typical one is, as the paper has it."""
MOST_CLUSTERS = 500
SMALL = 50
"""Clusters from which k-means works on parts, as the paper has it."""
MASKS, DROPPED = 3, 0.75
"""Looks at each photo, and the share of its features that each leaves out, as DropQuery has it."""
Embeddings = NDArray[np.float32]
Answer = Callable[[Embeddings], NDArray[np.int64]]


def typical(embeddings: Embeddings, labelled: NDArray[np.int64], count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Choose photos as TypiClust does (arXiv 2202.02794): the most typical of each part that has no label yet.

    As many clusters are made as there will be labelled photos; of the largest clusters without one, that photo is taken
    whose nearest neighbours are nearest.

    Args:
        embeddings: (n, D) of length 1.
        labelled: rows that have a label already.
        count: photos to choose; at most those without a label are.
        seed: of the clusters; equal seeds choose equal photos.

    Returns:
        Rows, the most useful first: the largest clusters' first.
    """
    n = len(embeddings)
    count = min(count, n - len(labelled))
    if count <= 0:
        return np.empty(0, np.int64)
    clusters = _clusters(embeddings, min(len(labelled) + count, MOST_CLUSTERS, n), seed)
    sizes = np.bincount(clusters)
    free = np.ones(n, bool)
    free[labelled] = False
    covered = np.bincount(clusters[labelled], minlength=len(sizes))
    chosen: list[int] = []
    while len(chosen) < count:
        open_ = np.bincount(clusters[free], minlength=len(sizes)) > 0
        # The clusters with the fewest labels first, of those the largest.
        order = np.lexsort((-sizes, covered, ~open_))
        members = np.flatnonzero((clusters == order[0]) & free)
        at = int(members[_typicality(embeddings, members).argmax()])
        chosen.append(at)
        free[at] = False
        covered[clusters[at]] += 1
    return np.array(chosen, np.int64)


def uncertain(
    embeddings: Embeddings, labelled: NDArray[np.int64], count: int, answer: Answer, *, seed: int = 0
) -> NDArray[np.int64]:
    """Choose photos as DropQuery does (arXiv 2401.14555): those whose answer hangs on some features, spread out.

    A photo is a candidate where most looks at a part of its features are answered otherwise than the whole. Candidates
    are clustered, and of each cluster the photo nearest to its middle is taken. Where there are too few, all photos are
    candidates.

    Args:
        embeddings: (n, D) of length 1.
        labelled: rows that have a label already.
        count: photos to choose; at most those without a label are.
        answer: the class index (m,) of embeddings (m, D).
        seed: of the looks and the clusters; equal seeds choose equal photos.
    """
    free = np.setdiff1d(np.arange(len(embeddings)), labelled)
    count = min(count, len(free))
    if count <= 0:
        return np.empty(0, np.int64)
    whole, random = answer(embeddings[free]), np.random.default_rng(seed)
    other = np.zeros(len(free), np.int64)
    for _ in range(MASKS):
        kept = random.random((len(free), embeddings.shape[1])) >= DROPPED
        other += answer((embeddings[free] * kept / (1 - DROPPED)).astype(np.float32)) != whole
    candidates = free[other > MASKS / 2]
    if len(candidates) < count:
        rest = np.setdiff1d(free, candidates)
        candidates = np.concatenate([candidates, typical_of(embeddings, rest, count - len(candidates), seed)])
    clusters = _clusters(embeddings[candidates], count, seed)
    sizes = np.bincount(clusters, minlength=count)
    chosen = [_middle(embeddings, candidates[clusters == at]) for at in np.argsort(-sizes, kind="stable") if sizes[at]]
    left = np.setdiff1d(candidates, chosen)[: count - len(chosen)]  # k-means may leave a cluster empty
    return np.array([*chosen, *left.tolist()], np.int64)


def typical_of(embeddings: Embeddings, rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Choose typical photos of some rows alone; return rows of all."""
    return rows[typical(embeddings[rows], np.empty(0, np.int64), count, seed=seed)]


def _clusters(embeddings: Embeddings, k: int, seed: int) -> NDArray[np.int64]:
    """Return the cluster (n,) of each photo, of k at most."""
    if k >= len(embeddings):
        return np.arange(len(embeddings))
    means = (
        KMeans(k, n_init=1, random_state=seed)
        if k <= SMALL
        else MiniBatchKMeans(k, n_init=1, random_state=seed, batch_size=5000)
    )
    return np.asarray(means.fit_predict(embeddings), np.int64)


def _typicality(embeddings: Embeddings, members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how near (m,) each of some photos is to its nearest neighbours among them, the larger the nearer."""
    if len(members) == 1:
        return np.ones(1)
    own = embeddings[members]
    distance = np.sqrt(np.maximum(0, 2 - 2 * (own @ own.T).astype(np.float64)))
    np.fill_diagonal(distance, np.inf)
    near = np.sort(distance, axis=1)[:, : min(NEIGHBOURS, len(members) - 1)]
    return np.asarray(1 / (near.mean(axis=1) + 1e-9))


def _middle(embeddings: Embeddings, members: NDArray[np.int64]) -> int:
    middle = embeddings[members].mean(axis=0)
    return int(members[((embeddings[members] - middle) ** 2).sum(axis=1).argmin()])
