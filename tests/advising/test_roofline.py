"""The roofline model by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.advising.roofline import CALIBRATION, seconds
from visionft.machine.gpu_cards import Card


def test_each_operation_takes_the_longer_of_arithmetic_and_traffic() -> None:
    card = Card("made up", 1e9, tflops=10, tflops_fp32=1, bandwidth=100)
    work = np.array([[1e13, 1e9, 1], [1e13, 1e9, 0], [1e9, 1e11, 1]])  # 1 s of bf16, 10 s of fp32, 1 s of traffic
    assert seconds(work, card) == pytest.approx(12 / CALIBRATION)
