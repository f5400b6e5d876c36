"""The rule of recommendation, from figures alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visionft.advising.first_look import FirstLook
from visionft.advising.method_costs import Row
from visionft.advising.recommendation import recommend

LOOK = FirstLook(
    backbone="vit", weights="file", device="cpu", classes=10, photos=3000, photos_a_class=300.0, held_out=341,
    neighbours=20, knn_top1=0.78, probe_top1=0.865, seconds=60.0, images_per_second=80.0, peak_memory=2 * 10**9,
    head_parameters=1930, parameters=5_500_000, stored_bytes=22 * 10**6,
)  # fmt: skip
HEAD = Row("head", seconds=65.0, peak_memory_mb=2000, trained=1930, stored_mb=22.0)
FULL = Row("full", epochs=4, seconds=600.0, peak_memory_mb=2000, trained=5_500_000, stored_mb=22.0)
LORA = Row("lora", epochs=4, seconds=700.0, peak_memory_mb=1900, trained=297_000, stored_mb=1.2, own_file=True)
PROMPT = Row("prompt", epochs=4, seconds=500.0, peak_memory_mb=1800, trained=25_000, stored_mb=0.1, own_file=True)
BITFIT = Row("bitfit", epochs=4, seconds=400.0, peak_memory_mb=1700, trained=40_000, stored_mb=22.0)
ALL = [HEAD, FULL, LORA, PROMPT, BITFIT]
REFUSED = Row("lora", "the backbone has no such layers")


def test_full_fine_tuning_is_the_rule_and_lora_is_told_what_it_is_good_for() -> None:
    found = recommend(LOOK, ALL)
    assert found.method == "full"
    assert found.reason == (
        "logistic regression answers 86.5% of 341 validation photos (82.5% to 89.7%), which leaves room for "
        "fine-tuning, and with 300 photos a class all weights can be trained: about 10 minutes. Here lora takes 1.17 "
        "times full fine-tuning's time and 0.95 times its memory, so it pays for a small file a task (1.2 MB)"
    )


@pytest.mark.parametrize(
    ("top1", "held_out", "method"),
    [(0.865, 341, "full"), (0.967, 61, "head"), (1.0, 341, "head"), (0.6, 10, "head"), (0.6, 100, "full")],
)
def test_the_head_is_enough_where_half_its_errors_would_not_be_seen(top1: float, held_out: int, method: str) -> None:
    assert recommend(replace(LOOK, probe_top1=top1, held_out=held_out), ALL).method == method


def test_the_reason_for_the_head_has_the_interval() -> None:
    reason = recommend(replace(LOOK, probe_top1=59 / 61, held_out=61), ALL).reason
    assert reason.startswith("logistic regression answers 96.7% of 61 validation photos (95 % interval 88.8% to 99.1%)")


def test_few_photos_a_class_want_few_trained_parameters() -> None:
    few = replace(LOOK, photos_a_class=6.0)
    found = recommend(few, ALL)
    assert found.method == "bitfit"
    assert "half of the classes have at most 6 training photos, so little should be trained: bitfit trains 0.73%" in (
        found.reason
    )
    assert recommend(few, [HEAD, FULL]).method == "head"
    assert recommend(replace(LOOK, photos_a_class=10.0), ALL).method == "full"


@pytest.mark.parametrize(
    ("seconds", "memory", "method"),
    [
        (450.0, 2000, "lora"),  # three quarters of the time
        (451.0, 2000, "full"),
        (600.0, 1500, "lora"),  # three quarters of the memory
        (600.0, 1501, "full"),
        (700.0, 1000, "full"),  # memory at the price of time
        (300.0, 2200, "full"),  # time at the price of memory
    ],
)
def test_lora_is_taken_where_it_was_measured_as_better(seconds: float, memory: float, method: str) -> None:
    rows = [HEAD, FULL, replace(LORA, seconds=seconds, peak_memory_mb=memory), PROMPT, BITFIT]
    assert recommend(LOOK, rows).method == method


def test_times_of_a_busy_machine_recommend_nothing() -> None:
    rows = [HEAD, FULL, replace(LORA, seconds=100.0)]
    assert recommend(LOOK, rows).method == "lora"
    found = recommend(LOOK, rows, busy=True)
    assert found.method == "full"
    assert "lora was measured as better here, but the machine was busy: try again when it is idle" in found.reason


def test_small_files_are_lora_s_where_its_file_is_small() -> None:
    found = recommend(LOOK, ALL, small_files=True)
    assert found.method == "lora"
    assert found.reason == (
        "each task is a file of 1.2 MB beside a base that all of them share, instead of 22 MB of weights of its own"
    )
    assert recommend(LOOK, [HEAD, FULL, REFUSED, PROMPT], small_files=True).method == "prompt"
    assert recommend(LOOK, [HEAD, FULL, replace(LORA, stored_mb=12.0)], small_files=True).method == "full"


def test_without_full_fine_tuning_the_quickest_is_taken() -> None:
    assert recommend(LOOK, [HEAD, LORA, PROMPT]).method == "prompt"
    assert recommend(LOOK, [HEAD, replace(FULL, refusal="no room"), LORA]).method == "lora"
    assert recommend(LOOK, [HEAD]).method == "head"
    assert recommend(LOOK, [HEAD, REFUSED]).method == "head"


def test_a_refused_method_is_never_recommended() -> None:
    rows = [HEAD, FULL, replace(LORA, refusal="no", seconds=1.0, peak_memory_mb=1.0)]
    assert recommend(LOOK, rows).method == "full"
    assert recommend(LOOK, rows, small_files=True).method == "full"
