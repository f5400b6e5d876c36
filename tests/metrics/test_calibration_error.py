"""Calibration error and log-loss by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import expected_calibration_error, log_loss


def test_calibration_error_by_hand() -> None:
    # Bins of a fifth: two photos at 0.9 (one right: gap 0.4), two at 0.6 and 0.55 (both right: gap 0.425), (0.4, 0.6].
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.55, 0.45]])
    labels = np.array([0, 0, 0, 0])
    assert expected_calibration_error(probabilities, labels, bins=5) == pytest.approx((2 * 0.4 + 2 * 0.425) / 4)


def test_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    # At 0.8 in (0.6, 0.8] with 0.7: one bin holds both, and over and under confidence cancel within it.
    probabilities = np.array([[0.8, 0.2], [0.7, 0.3]])
    assert expected_calibration_error(probabilities, np.array([0, 1]), bins=5) == pytest.approx(abs(-0.2 + 0.7) / 2)


def test_a_calibrated_model_has_next_to_no_error_and_a_boaster_has_his_gap() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1.0, 200_000)
    labels = (generator.random(200_000) > confidence).astype(np.int64)
    assert expected_calibration_error(np.stack([confidence, 1 - confidence], axis=1), labels) < 0.01
    sure = np.tile([0.99, 0.01], (200_000, 1))
    assert expected_calibration_error(sure, labels) == pytest.approx(0.24, abs=0.01)


def test_log_loss_of_equal_logits_is_that_of_a_guess() -> None:
    assert log_loss(np.zeros((3, 4)), np.array([0, 1, 3])) == pytest.approx(np.log(4))
