"""What a method costs, from the first look and a trial by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.advising.test_recommendation import LOOK
from visionft.advising.method_costs import of_head, of_trial
from visionft.advising.trials import Trial

TRIAL = Trial(
    epochs=4, steps=100, solves_head=True, tried=20, batch=32, step_seconds=2.0, peak_memory=3 * 10**9,
    saved_bytes=5 * 10**6, trainable=297_000, stored_bytes=1_200_000, own_file=True,
)  # fmt: skip
FIGURES = (341 + 500 + 372) / 80
"""Seconds: validation, a sample of 500 training photos and 372 test photos, at 80 photos a second."""


def test_a_solved_head_costs_its_features_and_the_final_figures() -> None:
    row = of_head("head", LOOK, 372)
    assert row.seconds == pytest.approx(60 + FIGURES)
    assert (row.method, row.epochs, row.trained, row.peak_memory_mb, row.stored_mb) == ("head", 0, 1930, 2000.0, 22.0)


def test_a_method_costs_head_steps_validations_and_final_figures() -> None:
    row = of_trial("lora", TRIAL, LOOK, 372)
    assert row.seconds == pytest.approx(60 + 100 * 2.0 + 4 * 341 / 80 + FIGURES)
    assert row.images_per_second == TRIAL.images_per_second == pytest.approx(32 / 2.0)
    assert (row.peak_memory_mb, row.saved_mb, row.stored_mb, row.own_file) == (3000.0, 5.0, 1.2, True)


def test_what_solves_no_head_does_not_pay_for_it() -> None:
    with_head, without = (of_trial("full", replace(TRIAL, solves_head=solved), LOOK, 0) for solved in (True, False))
    assert with_head.seconds - without.seconds == pytest.approx(LOOK.seconds)


def test_few_photos_are_all_in_the_sample() -> None:
    few = replace(LOOK, photos=40)
    assert of_head("head", few, 0).seconds == pytest.approx(60 + (341 + 40) / 80)
