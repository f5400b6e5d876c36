"""Known scores of the graph beside those of the trained model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from visionft.bundle import Answer
from visionft.exporting.ood_parity import KnownTally


def known_tally(threshold: float, *pairs: tuple[float, float, bool]) -> KnownTally:
    """Return the tally of photos, each the trained model's score, the bundle's score and the bundle's flag."""
    tally, image = KnownTally(threshold), np.ones(3, np.float32)
    for i, (score, found, flag) in enumerate(pairs):
        tally.note(f"{i}.jpg", Answer("a", 0, 1.0, image, image, image, found, flag), score)
    return tally


def test_known_scores_agree_to_a_hundredth_and_flags_unless_they_are_near_the_threshold() -> None:
    tally = known_tally(-1.0, (2.0, 2.015, False), (-1.005, -0.995, False), (-1.5, -1.5, True), (-0.5, -0.5, False))

    assert tally.fault() is None
    assert tally.worst == pytest.approx(0.015)


@pytest.mark.parametrize("found", [2.03, float("nan")])
def test_another_known_score_is_a_fault(found: float) -> None:
    words = known_tally(-math.inf, (0.0, 0.0, False), (2.0, found, False)).fault()

    assert words is not None
    assert words.startswith("1 of 2 known scores differ, by up to ")
    assert words.endswith("(first: 1.jpg)")


def test_another_flag_is_a_fault() -> None:
    words = known_tally(-1.0, (-1.5, -1.5, False), (0.0, 0.0, True)).fault()

    assert words == "2 of 2 photos are unknown to one of the two alone (first: 0.jpg)"
