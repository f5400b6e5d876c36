"""How far features answer photos by themselves: the class of their nearest neighbours, nothing trained."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELLS = 1 << 22  # similarities in memory at once: 16 MB of float32


def knn_accuracy(
    gallery: NDArray[np.floating],
    gallery_labels: NDArray[np.integer],
    query: NDArray[np.floating],
    query_labels: NDArray[np.integer],
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Return the share of queries whose k nearest photos vote for the right class, in [0, 1].

    Features are compared by their cosine s, and a neighbour's vote weighs exp(s / temperature) (arXiv 1805.01978). Of
    classes with equal votes the one of lowest index wins.

    Args:
        gallery: (G, D) features with known labels, G at least 1.
        gallery_labels: (G,) class indices from 0.
        query: (Q, D) features, Q at least 1.
        query_labels: (Q,) class indices; one that the gallery lacks is never answered.
        k: neighbours that vote, at least 1; of a smaller gallery all.
        temperature: above 0; the smaller, the more the nearest photo decides alone.

    Raises:
        ValueError: there is nothing to compare, or k or the temperature is too small.
    """
    if not len(gallery) or not len(query):
        raise ValueError(
            f"{len(query)} photos and {len(gallery)} neighbours cannot be compared; give at least one each"
        )
    if k < 1 or temperature <= 0:
        raise ValueError(f"k = {k} and temperature = {temperature} give no votes; give k from 1 and one above 0")
    known, asked = _unit(gallery), _unit(query)
    step = max(1, _CELLS // len(known))
    hits = 0
    for start in range(0, len(asked), step):
        answers = _vote(asked[start : start + step] @ known.T, gallery_labels, min(k, len(known)), temperature)
        hits += int((answers == query_labels[start : start + step]).sum())
    return hits / len(asked)


def _unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.where(norm > 0, norm, 1.0)).astype(np.float32)
    return unit


def _vote(similarity: NDArray[np.float32], labels: NDArray[np.integer], k: int, temperature: float) -> NDArray[np.intp]:
    """Return the (B,) classes that the k greatest of (B, G) similarities vote for."""
    order = np.argpartition(similarity, -k, axis=1)[:, -k:]
    near = np.take_along_axis(similarity, order, axis=1).astype(np.float64)
    weight = np.exp((near - near.max(axis=1, keepdims=True)) / temperature)  # at most 1, however low the temperature
    ballot = np.zeros((len(similarity), int(labels.max()) + 1))
    np.add.at(ballot, (np.arange(len(similarity))[:, None], labels[order]), weight)
    winners: NDArray[np.intp] = ballot.argmax(axis=1)
    return winners
