"""Figures as values: printed, in a notebook, as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from tests.metrics.test_classification import LABELS, LOGITS
from visionft.metrics import evaluate_logits


def test_json_holds_everything_as_plain_values() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a", "b", "c"])
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert plain["per_class"][2] == {
        "name": "c",
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
        "interval": None,
    }
    assert plain["confusion"] == [[3, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert set(found.summary()) == {"top1", "top5", "macro_f1", "ece", "log_loss", "n"} < set(plain)


def test_words_and_html() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a<b", "b", "c"])
    said = str(found)
    assert said.splitlines()[0] == "6 photos, 3 classes, 1 of them without photos here"
    assert "top-1 accuracy      66.7%  95 % interval 30.0% to 90.3%" in said
    assert "weakest classes: b (50% of 2), a<b (75% of 4)" in said
    assert "most confused: a<b as b (1), b as c (1)" in said
    assert "a&lt;b" in found._repr_html_()
    assert "no photos" in found._repr_html_()


def test_the_headline_has_the_interval_where_there_is_one() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a", "b", "c"])
    assert found.headline == "top-1 is 66.7% (95 % interval 30.0% to 90.3%)"
    assert replace(found, intervals={}).headline == "top-1 is 66.7%"


def test_before_and_after_a_temperature_stand_beside_each_other() -> None:
    found = evaluate_logits(LOGITS, LABELS, ["a", "b", "c"], temperature=2.0)
    assert found.uncalibrated is not None
    assert f", {found.uncalibrated.log_loss:.3f} before the temperature 2.00" in str(found)
    assert found.to_json()["uncalibrated"] == found.uncalibrated.to_json()


def test_the_weakest_classes_are_five_and_perfect_ones_are_none() -> None:
    labels = np.arange(8).repeat(2)
    logits = np.eye(8)[labels] * 5
    perfect = evaluate_logits(logits, labels, [f"c{n}" for n in range(8)])
    assert "weakest" not in str(perfect)
    assert "top-5" in str(perfect), "of more than five classes it says something"
    wrong = evaluate_logits(logits, (labels + 1) % 8, [f"c{n}" for n in range(8)])
    assert str(wrong).count("(0% of 2)") == 5
