"""Runs by parameter-efficient methods: they learn, leave small files, and go on bit for bit after an interruption."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from visionft import backbones, methods
from visionft.errors import BackboneError
from visionft.runs import Run, layout
from visionft.training import train

Make = Any
Stopping = Any
LEARNT = 0.95  # a random base learns slowly: the training loss falls from log(3) by a tenth or more
VIT = {"backbone": "test_vit", "preprocess.size": "none", "augment.size": 160}
QUICK: list[Any] = [{"name": "lora", "dropout": 0.1}, "qlora", "adapter"]
OTHERS: list[Any] = [
    "prompt",
    "bitfit",
    "norm",
    {"name": "qlora", "quantization": "int8"},
    {"name": "lora", "base_dtype": "bf16"},
]
EVERY = [*QUICK, *(pytest.param(method, marks=pytest.mark.slow) for method in OTHERS)]


def silent(line: str) -> None:
    pass


def same(a: Path, b: Path) -> bool:
    one, other = load_file(a), load_file(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("method", EVERY, ids=str)
def test_an_interrupted_run_goes_on_bit_for_bit(
    settings: Make, tmp_path: Path, stopping_at: Stopping, method: Any
) -> None:
    flags = {**VIT, "method": method, "optim.ema": 0.9, "epochs": 1}
    whole = train(settings(out=tmp_path / "whole", **flags), silent)
    with stopping_at(2):
        train(settings(**flags), silent)
    resumed = train(settings(**flags), silent)
    for name in (layout.WEIGHTS, layout.START):
        assert same(whole.path / name, resumed.path / name)
    if "added" not in methods.roles_trained(whole.settings.method):
        assert not (whole.path / layout.ADAPTER).exists()
    else:
        file = f"{layout.ADAPTER}/adapter_model.safetensors"
        assert same(whole.path / file, resumed.path / file)


@pytest.fixture
def run(settings: Make) -> Run:
    return train(settings(**VIT, method="lora", epochs=2), silent)


def test_a_run_leaves_its_adapter_and_plain_weights(run: Run) -> None:
    assert {entry.name for entry in run.path.iterdir()} == layout.FINISHED | {layout.ADAPTER}
    assert {e.name for e in (run.path / layout.ADAPTER).iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    plain = backbones.structure("test_vit", 3)
    assert load_file(run.path / layout.WEIGHTS).keys() == plain.state_dict().keys()


def test_the_adapter_over_the_start_is_the_final_model(run: Run) -> None:
    config = json.loads((run.path / layout.ADAPTER / "adapter_config.json").read_text())
    assert config["visionft"]["classes"] == ["disc", "square", "stripes"]
    network = run.network(layout.START)
    methods.load_peft(network, run.path / layout.ADAPTER)
    x = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        assert torch.allclose(network(x), run.network()(x), atol=1e-5)
    start, final = load_file(run.path / layout.START), load_file(run.path / layout.WEIGHTS)
    still = {name for name in start if torch.equal(start[name], final[name])}
    adapted = {f"backbone.{path}.weight" for path in config["target_modules"]}
    assert start.keys() - still == adapted | {"head.weight", "head.bias"}


def test_an_adapter_run_is_reopened_with_its_additions(settings: Make) -> None:
    run = train(settings(**VIT, method={"name": "prompt", "tokens": 3}, epochs=1), silent)
    assert len(methods.added(run.network())) == 6


@pytest.mark.parametrize("method", ["lora", pytest.param("adapter", marks=pytest.mark.slow)])
def test_learns(settings: Make, method: str) -> None:
    """The base is random here: what is learnt is learnt by the additions and the head alone."""
    lines: list[str] = []
    flags = {**VIT, "method": method, "epochs": 12, "augment.strength": "none", "optim.lr": 0.003}
    run = train(settings(**flags), lines.append)
    rows = list(csv.DictReader((run.path / layout.METRICS).read_text().splitlines()))
    assert float(rows[-1]["train_loss"]) < LEARNT * float(rows[0]["train_loss"])
    assert any(line.startswith(f"{method}: ") and "parameters beside 306,240 frozen ones" in line for line in lines)


def test_a_backbone_that_a_method_does_not_suit_leaves_nothing_behind(settings: Make, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="test_resnet has no MLPs"):
        train(settings(method="adapter"), silent)
    assert not (tmp_path / "run").exists()
