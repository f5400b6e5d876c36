"""k-NN against a loop by hand, scikit-learn, and its limits; in pieces it is the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from visionft.metrics import knn_accuracy

knn = sys.modules["visionft.metrics.knn"]


@pytest.fixture
def clouds() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return five overlapping clouds of embeddings: gallery and query with their labels."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(5, 16))
    labels = random.integers(0, 5, 300)
    points = (centres[labels] + 1.2 * random.normal(size=(300, 16))).astype(np.float32)
    return points[:200], labels[:200], points[200:], labels[200:]


def by_hand(gallery: np.ndarray, labels: np.ndarray, query: np.ndarray, k: int, temperature: float) -> list[int]:
    answers = []
    for one in query:
        similar = sorted(
            (
                (float(one @ g / np.linalg.norm(one) / np.linalg.norm(g)), y)
                for g, y in zip(gallery, labels, strict=True)
            ),
            reverse=True,
        )
        votes = np.zeros(labels.max() + 1)
        for similarity, label in similar[:k]:
            votes[label] += np.exp(similarity / temperature)
        answers.append(int(votes.argmax()))
    return answers


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (20, 0.07), (20, 1.0), (1000, 0.07)])
def test_equals_the_votes_by_hand(clouds: tuple[np.ndarray, ...], k: int, temperature: float) -> None:
    gallery, labels, query, truth = clouds
    found = knn_accuracy(gallery, labels, query, truth, k, temperature)
    assert (found.hits == (np.array(by_hand(gallery, labels, query, k, temperature)) == truth)).all()
    assert found.accuracy == found.hits.mean()
    assert 0.3 < found.accuracy < 1.0


def test_one_neighbour_is_scikit_learn_s(clouds: tuple[np.ndarray, ...]) -> None:
    gallery, labels, query, truth = clouds
    theirs = KNeighborsClassifier(1, metric="cosine").fit(gallery, labels).score(query, truth)
    assert knn_accuracy(gallery, labels, query, truth, k=1).accuracy == pytest.approx(theirs)


def test_a_photo_finds_itself(clouds: tuple[np.ndarray, ...]) -> None:
    gallery, labels, _, _ = clouds
    assert knn_accuracy(gallery, labels, gallery, labels, k=1).accuracy == 1.0


def test_a_low_temperature_is_the_nearest_photo_and_a_high_one_a_plain_vote(clouds: tuple[np.ndarray, ...]) -> None:
    gallery, labels, query, truth = clouds
    nearest = knn_accuracy(gallery, labels, query, truth, k=1)
    assert (knn_accuracy(gallery, labels, query, truth, k=20, temperature=1e-6).hits == nearest.hits).all()
    plain = knn_accuracy(gallery, labels, query, truth, k=200, temperature=1e9)
    assert (plain.hits == (truth == np.bincount(labels).argmax())).all()


def test_lengths_of_embeddings_do_not_matter(clouds: tuple[np.ndarray, ...]) -> None:
    gallery, labels, query, truth = clouds
    scale = np.random.default_rng(1).uniform(0.1, 10, (len(gallery), 1)).astype(np.float32)
    a, b = knn_accuracy(gallery, labels, query, truth), knn_accuracy(gallery * scale, labels, 3 * query, truth)
    assert (a.hits == b.hits).all()


@pytest.mark.parametrize("cells", [1, 200, 1_111])
def test_in_pieces_it_is_the_same(clouds: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    whole = knn_accuracy(*clouds)
    monkeypatch.setattr(knn, "_CHUNK_CELLS", cells)
    assert (knn_accuracy(*clouds).hits == whole.hits).all()


def test_a_class_that_the_gallery_lacks_is_missed(clouds: tuple[np.ndarray, ...]) -> None:
    gallery, labels, query, _ = clouds
    assert knn_accuracy(gallery, labels, query, np.full(len(query), 7)).accuracy == 0.0


def test_zero_embeddings_are_answered() -> None:
    found = knn_accuracy(np.zeros((3, 2)), np.array([0, 0, 1]), np.zeros((1, 2)), np.array([0]))
    assert found.accuracy == 1.0


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((0, 2), (0,), (1, 2), (1,)), "the gallery has 0 photos and 1 are asked for; give at least one each"),
        (((3, 2), (3,), (1, 4), (1,)), r"the shapes are .*; give \(G, D\), \(G,\), \(Q, D\) and \(Q,\)"),
        (((3, 2), (2,), (1, 2), (1,)), r"the shapes are .*; give \(G, D\), \(G,\), \(Q, D\) and \(Q,\)"),
    ],
)
def test_shapes_that_do_not_fit(shapes: tuple[tuple[int, ...], ...], said: str) -> None:
    a, b, c, d = (np.zeros(shape, np.int64) for shape in shapes)
    with pytest.raises(ValueError, match=said):
        knn_accuracy(a.astype(float), b, c.astype(float), d)


@pytest.mark.parametrize(("k", "temperature"), [(0, 0.07), (5, 0.0)])
def test_no_neighbours_or_no_temperature(clouds: tuple[np.ndarray, ...], k: int, temperature: float) -> None:
    with pytest.raises(ValueError, match="give k from 1 and a temperature above 0"):
        knn_accuracy(*clouds, k=k, temperature=temperature)
