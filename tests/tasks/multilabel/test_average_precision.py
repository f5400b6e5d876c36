"""Average precision against scikit-learn, ties and unknown entries included, and over photos drawn again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from visionft.tasks.multilabel.average_precision import (
    average_precision,
    average_precision_binned,
    average_precision_drawn,
    measurable,
)


def scored(seed: int, n: int = 120, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    entries = random.integers(-1, 2, (n, labels))
    return np.round(random.random((n, labels)) + 0.3 * (entries == 1), 1), entries  # tenths: many ties


@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_scikit_learn_over_known_entries(seed: int) -> None:
    scores, entries = scored(seed)
    for label, found in enumerate(average_precision(scores, entries)):
        known = entries[:, label] >= 0
        assert found == pytest.approx(average_precision_score(entries[known, label] == 1, scores[known, label]))


def test_a_photo_drawn_twice_counts_twice() -> None:
    scores, entries = scored(0)
    drawn = np.random.default_rng(1).integers(0, len(scores), len(scores))
    counts = np.bincount(drawn, minlength=len(scores))[None].astype(float)
    found = average_precision_drawn(scores, entries, counts)[0]
    assert found == pytest.approx(average_precision(scores[drawn], entries[drawn]))


def test_a_histogram_of_the_same_ties_has_the_same_figure() -> None:
    scores, entries = scored(2)
    place = np.round(scores * 10).astype(int)
    having, lacking = (
        np.stack([np.bincount(place[:, i], entries[:, i] == value, 20) for i in range(4)]) for value in (1, 0)
    )
    assert average_precision_binned(having, lacking) == pytest.approx(average_precision(scores, entries))


def test_what_has_one_known_value_has_no_figure() -> None:
    entries = np.array([[1, 0, -1, 1], [1, 0, -1, 0]])
    assert measurable(entries).tolist() == [False, False, False, True]
    assert np.isnan(average_precision(np.zeros((2, 4)), entries)).tolist() == [True, True, True, False]
    left_out = average_precision_drawn(np.zeros((2, 4)), entries, np.array([[2.0, 0.0]]))
    assert np.isnan(left_out).all(), "nor has a draw without a photo that lacks it"
