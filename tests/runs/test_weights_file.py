"""Weights on disk: safetensors, never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from visionft.errors import RunError
from visionft.methods import AdapterFiles
from visionft.runs.weights_file import ADAPTER_CONFIG, ADAPTER_WEIGHTS, epoch_of, write_adapter, write_weights


def test_parameters_and_buffers_come_back_with_the_epoch_they_are_of(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    write_weights(tmp_path / "w.safetensors", network, epoch=7)
    found = load_file(tmp_path / "w.safetensors")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(value, found[name]) for name, value in network.state_dict().items())
    assert epoch_of(tmp_path / "w.safetensors") == 7
    write_weights(tmp_path / "w.safetensors", network)
    assert epoch_of(tmp_path / "w.safetensors") is None


def test_a_module_in_two_places_and_other_memory_orders_are_written(tmp_path: Path) -> None:
    shared = nn.Linear(2, 2)
    network = nn.ModuleDict({"a": shared, "b": shared, "c": nn.Conv2d(2, 2, 3).to(memory_format=torch.channels_last)})
    write_weights(tmp_path / "w.safetensors", network)
    found = load_file(tmp_path / "w.safetensors")
    assert torch.equal(found["a.weight"], found["b.weight"])
    assert torch.equal(found["c.weight"], network["c"].weight)


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"x" * 20)
    for name in ("w.safetensors", "gone.safetensors"):
        with pytest.raises(RunError, match=rf"{name} is damaged \(.*\); restore it from a copy"):
            epoch_of(tmp_path / name)


def test_an_adapter_is_its_tensors_and_its_description(tmp_path: Path) -> None:
    files = cast(AdapterFiles, type("Files", (), {"tensors": {"a": torch.ones(2)}, "config": {"r": 8}})())
    write_adapter(tmp_path / "adapter", files)
    assert json.loads((tmp_path / "adapter" / ADAPTER_CONFIG).read_text()) == {"r": 8}
    assert load_file(tmp_path / "adapter" / ADAPTER_WEIGHTS)["a"].tolist() == [1, 1]
