"""From logits and embeddings to answers: the one rule that run, graph and golden vectors share."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics.ood import KnownScale
from visionft.metrics.postprocess import Postprocess

LOGITS = np.array([[2.0, 0.0, -2.0], [0.0, 0.0, 0.0]])


def test_a_plain_rule_is_softmax_and_the_largest_logit() -> None:
    rule = Postprocess.plain()
    expected = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    found = rule.probabilities(LOGITS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert rule.known(LOGITS, np.zeros((2, 4))).tolist() == [2, 0]
    assert not rule.unknown(np.array([-1e30, np.inf])).any()


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_temperature_divides_the_logits_and_changes_no_order(temperature: float) -> None:
    rule = Postprocess(temperature, KnownScale.plain())
    np.testing.assert_allclose(rule.probabilities(LOGITS), Postprocess.plain().probabilities(LOGITS / temperature))
    assert (rule.probabilities(LOGITS).argmax(1) == LOGITS.argmax(1)).all()


def test_a_score_at_the_threshold_is_known_as_float32_rounds_it() -> None:
    rule = Postprocess(1.0, KnownScale.plain(), threshold=0.1)
    assert rule.unknown(np.array([np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(0))])).tolist() == [
        False,
        True,
    ]
