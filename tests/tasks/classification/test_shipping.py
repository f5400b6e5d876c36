"""Shipping classes: golden answers, and the proof in figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visionft.bundle.schema import AgreementRecord
from visionft.classes import Classes
from visionft.exporting.reference_answers import Reference
from visionft.metrics import KnownScale, Postprocess
from visionft.tasks.classification.shipping import SHIPPING


def test_what_a_golden_photo_should_answer_is_the_trained_model_s_own() -> None:
    logits = np.array([[0.0, 2.0]], np.float32)
    rule = Postprocess(1.0, KnownScale.plain(), threshold=3.0)
    truth = Reference(
        logits, np.ones((1, 2), np.float32), rule.probabilities(logits), np.array([2.0], np.float32), logits
    )
    trained: Any = SimpleNamespace(of=lambda _: truth, answering=rule)
    told = SHIPPING.expected(np.zeros((2, 2, 3), np.uint8), trained, Classes.of(["boot", "hat"]))
    assert (told["label"], told["class_index"], told["known_score"], told["unknown"]) == ("hat", 1, 2.0, True)
    assert told["probability"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert told["logits"] == [0.0, 2.0]


def test_the_proof_in_figures_is_that_of_the_record() -> None:
    found = AgreementRecord(n=9, agreement=1.0, max_probability_difference=0.25, max_pixel_difference=0.0, by_check={})
    record: Any = SimpleNamespace(agreement=found)
    assert SHIPPING.proof(record) == {"agreement": 1.0, "max_probability_difference": 0.25, "n": 9, "near_ties": ()}
