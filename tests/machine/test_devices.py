"""Which device is taken, and which arithmetic it has."""

from __future__ import annotations

import pytest
import torch

from visionft.errors import UsageError
from visionft.machine import devices
from visionft.machine.cuda_driver import NO_DEVICE
from visionft.machine.devices import inference_dtype, pick_device


@pytest.mark.parametrize(
    ("wanted", "there", "taken"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_auto_takes_what_is_there(wanted: str, there: bool, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert pick_device(wanted) == taken


def test_a_device_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError) as caught:
        pick_device("cuda")
    assert str(caught.value) == NO_DEVICE


@pytest.mark.parametrize(
    ("device", "bf16", "dtype"),
    [
        ("cpu", True, torch.bfloat16),
        ("cpu", False, None),
        ("cuda", True, torch.bfloat16),
        ("cuda", False, torch.float16),
    ],
)
def test_passes_without_gradients_take_the_fastest_that_is_not_emulated(
    device: str, bf16: bool, dtype: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "has_bf16", lambda _: bf16)
    assert inference_dtype(device) == dtype
