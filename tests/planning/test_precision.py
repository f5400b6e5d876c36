"""Arithmetic and pieces are chosen together, by what was measured, and what was given stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from visionft import backbones
from visionft.backbones import Network
from visionft.machine.memory import free_memory
from visionft.planning import precision
from visionft.planning.choices import Choice, put
from visionft.planning.step_timing import Way, seconds_per_photo
from visionft.settings import FitSettings

BF16 = torch.bfloat16
GIVEN = {
    "epochs": 1, "optim.batch_size": 64, "augment.size": 32, "hardware.device": "cpu", "hardware.channels_last": True,
    "optim.norm_statistics": "frozen",
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> Network:
    return backbones.create("test_resnet", "none", 3, size=32)


def asked(network: Network, **flags: Any) -> tuple[Any, Any]:
    given = [Choice(name, value, "given") for name, value in {**GIVEN, **flags}.items()]
    settings = put(FitSettings(photos=Path("photos")), given)
    found = {choice.setting: choice.value for choice in precision.pace(settings, network)}
    return found.get("hardware.precision"), found.get("optim.micro_batch")


def measured(monkeypatch: pytest.MonkeyPatch, seconds: dict[tuple[Any, int], float]) -> list[Way]:
    """Let a trial find these seconds a photo; return the list of the ways that are tried."""
    tried: list[Way] = []

    def answer(_: Network, __: Any, ways: Sequence[Way], *___: Any, **____: Any) -> dict[Way, float]:
        tried.extend(ways)
        return {way: seconds[(way.dtype, way.photos)] for way in ways}

    monkeypatch.setattr(precision, "seconds_per_photo", answer)
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    return tried


def test_the_fastest_pieces_of_bf16_are_compared_with_fp32(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, {(None, 8): 1.0, (BF16, 8): 0.99, (BF16, 32): 0.8})
    assert asked(network) == ("bf16", 32)
    measured(monkeypatch, {(None, 8): 1.0, (BF16, 8): 0.8, (BF16, 32): 0.9})
    assert asked(network) == ("bf16", 8)


def test_what_is_not_the_default_has_to_win_by_more_than_noise(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, {(None, 8): 1.0, (BF16, 8): 0.99, (BF16, 32): 0.88})
    assert asked(network) == ("fp32", 8)
    measured(monkeypatch, {(None, 8): 1.0, (BF16, 8): 0.5, (BF16, 32): 0.45})
    assert asked(network) == ("bf16", 8), "larger pieces too"


def test_what_hangs_on_a_stopwatch_or_on_free_memory_is_told(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(**flags: Any) -> bool:
        given = [Choice(name, value, "given") for name, value in {**GIVEN, **flags}.items()]
        return precision.measures(put(FitSettings(photos=Path("photos")), given))

    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    assert hangs()
    assert hangs(**{"optim.micro_batch": 4}), "the dtype does"
    assert hangs(**{"hardware.precision": "bf16"}), "the pieces do"
    assert hangs(**{"hardware.device": "cuda"})
    assert not hangs(**{"hardware.device": "cuda", "optim.micro_batch": 4})
    assert not hangs(**{"hardware.precision": "bf16", "optim.micro_batch": 4})
    assert not hangs(**{"hardware.precision": "fp32"})
    assert not hangs(epochs=0)
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert not hangs()


def test_nothing_is_tried_where_there_is_one_way(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = measured(monkeypatch, {})
    assert asked(network, **{"hardware.precision": "fp32"})[1] == 8
    assert asked(network, **{"hardware.precision": "fp32", "optim.batch_size": 4})[1] == 4
    assert asked(network, epochs=0) == ("fp32", 8)
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert asked(network) == ("fp32", 8)
    assert tried == []


def test_what_is_given_stays(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = measured(monkeypatch, {(None, 16): 1.0, (BF16, 16): 0.5})
    assert asked(network, **{"optim.micro_batch": 16})[0] == "bf16"
    assert tried == [Way(None, 16), Way(BF16, 16)]
    measured(monkeypatch, {(BF16, 8): 1.0, (BF16, 32): 0.8})
    assert asked(network, **{"hardware.precision": "bf16"})[1] == 32


def test_batch_norms_that_learn_see_the_whole_batch(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, {(None, 64): 1.0, (BF16, 64): 0.5})
    assert asked(network, **{"optim.norm_statistics": "batch"}) == ("bf16", 64)


def test_larger_pieces_are_tried_only_where_there_is_room(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = measured(monkeypatch, {(None, 8): 1.0, (BF16, 8): 0.5, (BF16, 32): 0.1})
    monkeypatch.setattr(precision, "free_memory", lambda: 1_000_000)
    assert asked(network) == ("bf16", 8)
    assert Way(BF16, 32) not in tried


def test_a_trial_leaves_the_network_as_it_was(network: Network) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    times = seconds_per_photo(network, (32, 32), [Way(None, 2), Way(None, 4)], "cpu", True, frozen_norms=True)
    assert set(times) == {Way(None, 2), Way(None, 4)}
    assert min(times.values()) > 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training


def test_some_memory_is_free() -> None:
    assert free_memory() > 1_000_000
