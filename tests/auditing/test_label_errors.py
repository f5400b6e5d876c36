from __future__ import annotations

import numpy as np
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from visionft.auditing.label_errors import FOLDS, folds, judge, suspects

RNG = np.random.default_rng(0)


def blobs(n: int = 300, classes: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    truth = np.arange(n) % classes
    centres = np.eye(classes, 16) * 4
    return np.asarray(centres[truth] + RNG.normal(size=(n, 16)), np.float32), truth


def test_suspects_of_known_probabilities() -> None:
    probabilities = np.array(
        [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.3, 0.7], [0.99, 0.01], [0.9, 0.1], [np.nan, np.nan]], np.float32
    )
    labels = np.array([0, 0, 1, 1, 1, 1, 0])
    # The own labels have 0.8 on average in class 0, and (0.8 + 0.7 + 0.01 + 0.1) / 4 = 0.40 in class 1: below a
    # twentieth of that is the fifth photo alone; the sixth is doubtful, and the last one is not judged.
    assert suspects(probabilities, labels).tolist() == [False, False, False, False, True, False, False]


def test_labels_are_ranked_as_cleanlab_ranks_them_by_self_confidence() -> None:
    features, truth = blobs()
    quality = judge(lambda rows: features[rows], truth, np.arange(len(truth)), 3)
    scores = get_label_quality_scores(truth, quality.probabilities, method="self_confidence")
    np.testing.assert_allclose(quality.confidence, scores, rtol=1e-6)


def test_planted_errors_are_found_and_sound_labels_left_alone() -> None:
    features, truth = blobs()
    given = truth.copy()
    given[:30] = (truth[:30] + 1) % 3
    quality = judge(lambda rows: features[rows], given, np.arange(len(given)), 3)
    assert quality.suspect[:30].mean() > 0.75
    assert quality.suspect[30:].mean() < 0.03
    assert (quality.probabilities[:30].argmax(axis=1) == truth[:30]).mean() > 0.9


def test_copies_never_vouch_for_each_other() -> None:
    """Each wrong photo is there twice, with one wrong label: a fold that held one would learn the other by heart."""
    pieces = np.repeat(np.arange(60), 2)
    fold = folds(np.zeros(120, np.int64), pieces, 0)
    assert (fold[::2] == fold[1::2]).all()
    assert np.bincount(fold, minlength=FOLDS).tolist() == [24] * FOLDS


def test_each_fold_has_its_share_of_each_class() -> None:
    labels = np.array([0] * 50 + [1] * 10)
    fold = folds(labels, np.arange(60), 0)
    assert np.bincount(fold[labels == 1], minlength=FOLDS).tolist() == [2] * FOLDS


def test_classes_of_few_pictures_are_not_judged() -> None:
    features, truth = blobs(40, 2)
    labels = np.concatenate([truth, np.full(FOLDS + 3, 2)])
    features = np.concatenate([features, RNG.normal(size=(FOLDS + 3, 16)).astype(np.float32)])
    pieces = np.concatenate([np.arange(40), np.full(FOLDS + 3, 40)])  # many photos of one picture
    quality = judge(lambda rows: features[rows], labels, pieces, 3)
    assert np.isnan(quality.confidence[40:]).all()
    assert not quality.suspect[40:].any()
    assert np.isfinite(quality.confidence[:40]).all()


def test_one_class_alone_is_not_judged() -> None:
    features, _ = blobs(20)
    quality = judge(lambda rows: features[rows], np.zeros(20, np.int64), np.arange(20), 1)
    assert not quality.suspect.any()
