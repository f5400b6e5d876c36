from __future__ import annotations

from dataclasses import replace

import pytest

from visionft.bundle.quantization_record import FlipsRecord, SpeedRecord
from visionft.errors import PrecisionError
from visionft.exporting.quantization.gates import Gates, processor, saturation
from visionft.metrics import Flips


def flips(lost: int, gained: int, n: int, given: str = "each photo alone") -> FlipsRecord:
    counted = Flips(lost, gained, n)
    values = {"given": given, "lost": lost, "gained": gained, "n": n, "loss": counted.loss, "upper": counted.upper()}
    return FlipsRecord.model_validate(values)


def speed(ratio: float, low: float, batch: int = 1) -> SpeedRecord:
    return SpeedRecord(
        part="network", batch=batch, ratio=ratio, low=low, high=ratio + 0.1, fp32_ms=ratio, ms=1.0, rounds=25
    )


GATES = Gates("int8", "dynamic", (flips(2, 2, 2000),), (speed(0.9, 0.8), speed(1.5, 1.2, 32)), 100, 400, 0.5)


def test_a_model_that_loses_little_and_is_faster_at_one_batch_size_and_smaller_passes() -> None:
    GATES.require()
    assert (GATES.inaccurate(), GATES.slow(), GATES.large()) == (None, None, None)


def test_a_loss_that_may_be_too_large_is_refused_with_the_photos_that_would_do() -> None:
    gates = replace(GATES, flips=(flips(0, 0, 341),))
    with pytest.raises(
        PrecisionError,
        match=r"int8 \(dynamic\) is not worth it here: accuracy: 0 of 341 validation photos went from right to wrong "
        r"and 0 from wrong to right, so up to 0.79 points of top-1 are lost and 0.5 may be "
        r"\(539 photos with the same shares would be enough\); nothing was written: "
        r"give --precision fp32, or another --precision or --max-loss",
    ):
        gates.require()
    replace(gates, max_loss=0.8).require()


def test_where_no_number_of_photos_would_do_none_is_named() -> None:
    with pytest.raises(PrecisionError, match=r"so up to 2.60 points of top-1 are lost and 0.5 may be; nothing"):
        replace(GATES, flips=(flips(6, 3, 341),)).require()


def test_the_worse_way_of_giving_photos_counts() -> None:
    with pytest.raises(PrecisionError, match=r"accuracy: 60 of 2,000"):
        replace(GATES, flips=(flips(2, 2, 2000), flips(60, 2, 2000, "in batches of 32"))).require()


@pytest.mark.parametrize("speeds", [(speed(1.09, 1.05),), (speed(1.5, 0.99),), (speed(0.6, 0.5), speed(0.9, 0.8, 32))])
def test_one_that_is_not_surely_faster_is_refused_unless_that_is_allowed(speeds: tuple[SpeedRecord, ...]) -> None:
    gates = replace(GATES, speeds=speeds)
    with pytest.raises(
        PrecisionError,
        match=r"speed: \d.\d\d \(\d.\d\d to \d.\d\d\) at batch 1.* times as fast as fp32 on this machine, and 1.1 is "
        r"wanted; nothing was written: give --precision fp32, or --allow slower if the size is what counts",
    ):
        gates.require()
    gates.require(["slower"])
    with pytest.raises(PrecisionError, match="accuracy"):
        replace(gates, flips=(flips(9, 0, 100),)).require(["slower"])


def test_one_that_is_no_smaller_is_refused() -> None:
    with pytest.raises(PrecisionError, match=r"size: 400 bytes, and fp32 has 400; nothing was written"):
        replace(GATES, bytes=400).require(["slower"])


def test_every_failed_gate_and_the_warning_are_named_at_once() -> None:
    gates = replace(GATES, flips=(flips(9, 0, 100),), speeds=(speed(0.5, 0.4),), bytes=500)
    with pytest.raises(
        PrecisionError, match=r"accuracy: .*; speed: .*; size: .*; this processor has no VNNI.*; nothing"
    ):
        gates.require(notes=[saturation("sse avx2", "x86_64") or ""])


@pytest.mark.parametrize(
    ("flags", "architecture", "warned"),
    [
        ("fpu avx2 avx512f", "x86_64", True),
        ("fpu avx2 avx512f avx512_vnni", "x86_64", False),
        ("fpu avx2 avx_vnni", "AMD64", False),
        ("fpu avx2 avx_vnni_int8", "x86_64", True),
        ("asimddp", "aarch64", False),
        ("", "arm64", False),
        ("", "x86_64", False),
    ],
)
def test_only_x86_without_vnni_saturates(flags: str, architecture: str, warned: bool) -> None:
    assert (saturation(flags, architecture) is not None) is warned


def test_this_machine_is_named() -> None:
    assert processor()
