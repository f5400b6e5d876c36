"""What classes tell as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.auditing.class_structure import CONFUSED, alike, centroids, class_names, class_sizes
from visionft.auditing.label_errors import LabelQuality


def sizes(**numbers: int) -> list[tuple[str, str]]:
    found = class_sizes(list(numbers), np.array(list(numbers.values()), np.int64))
    return [(finding.kind, finding.words) for finding in found]


def test_a_class_of_nine_is_small_and_one_of_ten_is_not() -> None:
    assert sizes(hat=9, shoe=10) == [("small-class", "'hat' has 9 photos")]
    assert sizes(hat=1, shoe=10) == [("small-class", "'hat' has 1 photo")]


def test_twenty_times_is_an_imbalance_and_less_is_none() -> None:
    assert sizes(hat=199, shoe=10) == []
    assert sizes(hat=200, shoe=10) == [("imbalance", "'hat' has 200 photos, 'shoe' 10: 20 times")]
    assert sizes() == []


def test_odd_names_are_those_that_the_reading_noted() -> None:
    notes = ["odd classes: 'Hat' and 'hat' differ in case; 'shoes ' ends in a space", "something else"]
    assert [finding.words for finding in class_names(notes)] == [
        "'Hat' and 'hat' differ in case",
        "'shoes ' ends in a space",
    ]
    assert class_names([]) == []


def test_classes_are_alike_where_photos_are_given_the_other_on_average() -> None:
    probabilities = np.array([[0.5, 0.4, 0.1], [0.7, 0.2, 0.1], [0.1, 0.9, 0.0], [np.nan] * 3], np.float32)
    nothing = np.zeros(4)
    quality = LabelQuality(probabilities, nothing.astype(np.float32), nothing.astype(bool))
    means = np.array([[1, 0], [1, 1], [-1, 0]], np.float32)
    [found] = alike(["hat", "cap", "shoe"], np.array([0, 0, 1, 2]), means, quality)
    assert found.words == (
        "'hat' is taken for 'cap': a photo is given it with probability 0.30 on average; cosine of their means 0.71"
    )
    assert found.figure == pytest.approx(0.3)
    assert CONFUSED < 0.3


def test_sums_of_embeddings_are_those_of_their_classes() -> None:
    sums = np.zeros((3, 2))
    centroids(np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.array([2, 0, 2]), sums)
    assert sums.tolist() == [[3, 4], [0, 0], [6, 8]]
