"""Nearest neighbours vote as scikit-learn lets them vote."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from visionft.metrics import knn_accuracy

RANDOM = np.random.default_rng(0)
CENTRES = RANDOM.normal(size=(4, 16))
GALLERY_LABELS, QUERY_LABELS = RANDOM.integers(4, size=120), RANDOM.integers(4, size=70)
GALLERY = (CENTRES[GALLERY_LABELS] + 2 * RANDOM.normal(size=(120, 16))).astype(np.float32)
QUERY = (CENTRES[QUERY_LABELS] + 2 * RANDOM.normal(size=(70, 16))).astype(np.float32)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (20, 0.07), (20, 1.0), (500, 0.2)])
def test_is_scikit_learn_with_weighted_cosines(k: int, temperature: float) -> None:
    reference = KNeighborsClassifier(
        min(k, len(GALLERY)), metric="cosine", weights=lambda distance: np.exp((1 - distance) / temperature)
    )
    expected = reference.fit(GALLERY, GALLERY_LABELS).score(QUERY, QUERY_LABELS)
    found = knn_accuracy(GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS, k, temperature)
    assert found == pytest.approx(expected)
    assert 0.25 < found < 1.0


def test_finds_each_photo_itself() -> None:
    assert knn_accuracy(GALLERY, GALLERY_LABELS, GALLERY, GALLERY_LABELS, k=1) == 1.0


def test_lengths_do_not_matter() -> None:
    scale = RANDOM.uniform(0.1, 30, size=(len(GALLERY), 1))
    plain = knn_accuracy(GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS)
    assert knn_accuracy(GALLERY * scale, GALLERY_LABELS, QUERY / 7, QUERY_LABELS) == plain


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = knn_accuracy(GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS)
    monkeypatch.setattr(sys.modules["visionft.metrics.knn"], "_CELLS", 3 * len(GALLERY))
    assert knn_accuracy(GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS) == whole


def test_a_class_without_neighbours_is_never_hit_and_a_blank_feature_is_no_fault() -> None:
    assert knn_accuracy(GALLERY, GALLERY_LABELS, QUERY, np.full(len(QUERY), 9)) == 0.0
    assert knn_accuracy(np.zeros((3, 2)), np.array([0, 0, 1]), np.zeros((1, 2)), np.array([0])) == 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((GALLERY[:0], GALLERY_LABELS[:0], QUERY, QUERY_LABELS), "70 photos and 0 neighbours cannot be compared"),
        ((GALLERY, GALLERY_LABELS, QUERY[:0], QUERY_LABELS[:0]), "0 photos and 120 neighbours cannot be compared"),
        ((GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS, 0), "k = 0 .* give no votes; give k from 1"),
        ((GALLERY, GALLERY_LABELS, QUERY, QUERY_LABELS, 5, 0.0), "temperature = 0.0 give no votes"),
    ],
)
def test_nothing_to_compare_is_said(arguments: tuple[np.ndarray, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        knn_accuracy(*arguments)
