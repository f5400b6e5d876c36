"""The known score: class means and standardised parts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import KnownScale, Postprocess, class_means, known_scores, softmax, unit


def test_means_are_directions_and_absent_classes_are_zero() -> None:
    embeddings = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], np.float32)

    means = class_means(embeddings, np.array([0, 0, 2]), 4)

    np.testing.assert_allclose(means, [[0.5**0.5, 0.5**0.5], [0, 0], [0, 1], [0, 0]], rtol=1e-6)
    assert means.dtype == np.float32


def test_the_score_is_two_standardised_figures_added() -> None:
    scale = KnownScale(np.eye(2, dtype=np.float32), logit=(5.0, 2.0), cosine=(0.5, 0.25))

    scores = known_scores(np.array([[1.0, 7.0], [5.0, -9.0]]), np.array([[0.6, 0.8], [0.5, -0.1]]), scale)

    np.testing.assert_allclose(scores, [(7 - 5) / 2 + (0.8 - 0.5) / 0.25, 0 + 0], atol=1e-6)


def test_known_photos_lie_around_zero() -> None:
    generator = np.random.default_rng(0)
    logits, embeddings = generator.normal(3, 2, (500, 4)), unit(generator.normal(size=(500, 6)))
    means = unit(generator.normal(size=(4, 6)))

    scores = known_scores(logits, embeddings, KnownScale.of(logits, embeddings, means))

    assert scores.mean() == pytest.approx(0, abs=1e-4)
    assert 1 < scores.std() < 2


def test_a_figure_that_never_varies_does_not_magnify_rounding() -> None:
    same = np.tile([[1.0, 0.0]], (60, 1))

    scale = KnownScale.of(same, same, np.eye(2, dtype=np.float32))

    assert scale.logit == (1.0, 1e-3)
    assert np.abs(known_scores(same + 1e-6, same, scale)).max() < 0.01


def test_without_means_the_score_is_the_largest_logit_and_nothing_is_unknown() -> None:
    logits, plain = np.array([[1.0, -30.0], [-40.0, -50.0]]), Postprocess.plain()

    scores = plain.known(logits, np.zeros((2, 3)))

    assert scores.tolist() == [1.0, -40.0]
    assert plain.unknown(scores).tolist() == [False, False]
    np.testing.assert_allclose(plain.probabilities(logits), softmax(logits), rtol=1e-6)


def test_a_score_at_the_threshold_is_known() -> None:
    answering = Postprocess(1.0, KnownScale.plain(), threshold=0.1)

    assert answering.unknown(np.array([0.0999, 0.1, 0.2], np.float32)).tolist() == [True, False, False]


def test_unit_keeps_zeros() -> None:
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])
