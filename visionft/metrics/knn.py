"""What features are worth without a head: do the nearest photos have the same class?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CHUNK_CELLS = 4_000_000  # similarities held in memory at once
_TOLD_APART = 5
"""Decimals of a similarity: products of float32 vectors differ below that by the order in which they are summed, and
which photos are the nearest would hang on the batch that a photo was in."""


class KnnAccuracy(NamedTuple):
    """Share of the queries answered rightly, in [0, 1], and (Q,) bool: which ones."""

    accuracy: float
    hits: NDArray[np.bool_]


def knn_accuracy(
    gallery: NDArray[np.floating],
    gallery_labels: NDArray[np.integer],
    query: NDArray[np.floating],
    query_labels: NDArray[np.integer],
    k: int = 20,
    temperature: float = 0.07,
) -> KnnAccuracy:
    """Answer each query by a vote of its k nearest photos in the gallery (arXiv 1805.01978; k as in arXiv 2104.14294).

    A neighbour at cosine similarity s votes for its class with the weight exp(s / temperature). Similarities are
    rounded to five decimals; of classes with equal votes the lowest index wins. Queries are gone through in pieces:
    memory grows with gallery + queries.

    Args:
        gallery: (G, D) embeddings, G at least 1; L2-normalised here, a zero vector stays zero.
        gallery_labels: (G,) class indices from 0.
        query: (Q, D), Q at least 1.
        query_labels: (Q,) class indices; a class that the gallery lacks is never hit.
        k: neighbours that vote, at least 1; all of a gallery that has fewer.
        temperature: above 0; near 0 the nearest photo decides alone, a high one weighs all alike.

    Raises:
        ValueError: the shapes do not fit, or there is nothing to compare.
    """
    _check(gallery, gallery_labels, query, query_labels)
    if k < 1 or temperature <= 0:
        raise ValueError(f"k is {k} and the temperature {temperature}; give k from 1 and a temperature above 0")
    near, far = _normalised(gallery), _normalised(query)
    k, rows = min(k, len(near)), max(1, _CHUNK_CELLS // len(near))
    answers = [
        _voted((far[start : start + rows] @ near.T).round(_TOLD_APART), gallery_labels, k, temperature)
        for start in range(0, len(far), rows)
    ]
    hits = np.concatenate(answers) == query_labels
    return KnnAccuracy(float(hits.mean()), hits)


def _check(
    gallery: NDArray[np.floating],
    gallery_labels: NDArray[np.integer],
    query: NDArray[np.floating],
    query_labels: NDArray[np.integer],
) -> None:
    if not len(gallery) or not len(query):
        raise ValueError(
            f"the gallery has {len(gallery)} photos and {len(query)} are asked for; give at least one each"
        )
    fits = gallery.ndim == query.ndim == 2 and gallery.shape[1] == query.shape[1]
    if not fits or gallery_labels.shape != gallery.shape[:1] or query_labels.shape != query.shape[:1]:
        shapes = [array.shape for array in (gallery, gallery_labels, query, query_labels)]
        raise ValueError(f"the shapes are {shapes}; give (G, D), (G,), (Q, D) and (Q,)")


def _normalised(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    vectors = embeddings.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return scaled


def _voted(
    similarity: NDArray[np.float32], labels: NDArray[np.integer], k: int, temperature: float
) -> NDArray[np.intp]:
    """Return (B,) the class that the k highest of (B, G) similarities vote for."""
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    score = np.take_along_axis(similarity, nearest, axis=1).astype(np.float64) / temperature
    weight = np.exp(score - score.max(axis=1, keepdims=True))  # a common factor, which keeps low temperatures finite
    votes = np.zeros((len(similarity), int(labels.max()) + 1))
    np.add.at(votes, (np.arange(len(similarity))[:, None], labels[nearest]), weight)
    answers: NDArray[np.intp] = votes.argmax(axis=1)
    return answers
