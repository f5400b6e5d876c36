"""Runs of LoRA that cost no training: one base, and updates and heads drawn at random."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.exporting.fakes import FakeRun, livened, render_photos, tell_apart
from visionft import backbones, methods
from visionft.backbones import Network
from visionft.runs.weights_file import write_adapter
from visionft.settings import AnyMethod, FitSettings, LoraMethod


@dataclass
class AdaptedFake(FakeRun):
    """A run whose start is known, beside what export needs of any."""

    base: Network | None = None
    method: AnyMethod | None = None
    head: str = "linear"

    @property
    def settings(self) -> FitSettings:
        return FitSettings(photos=self.photos, backbone=self.trained.name, method=self.method, head=self.head)

    def start(self) -> Network:
        return copy.deepcopy(self.base)

    def network(self) -> Network:
        return copy.deepcopy(self.trained)


def adapted_run(
    place: Path, method: LoraMethod, names: Sequence[str], seed: int, backbone: str = "test_vit", **changes: Any
) -> AdaptedFake:
    """Return a run whose base has the weights of every other one of that backbone; not calibrated."""
    place.mkdir(parents=True)
    photos = render_photos(place.with_name(f"{place.name}-photos"), names=names)
    torch.manual_seed(0)
    base = livened(backbones.create(backbone, "none", len(names)))
    network = copy.deepcopy(base)
    torch.manual_seed(seed)
    methods.edit(network, method, check=False)
    for name in methods.added(network):
        nn.init.normal_(network.get_parameter(name), std=0.1)
    tell_apart(network)
    files = methods.adapter_files(network, method, tuple(names), backbone)
    assert files is not None
    write_adapter(place / "adapter", files)
    methods.fold(network, method)
    return AdaptedFake(place, photos, network, names=tuple(names), base=base, method=method, **changes)


def three_runs(place: Path) -> dict[str, AdaptedFake]:
    """Return runs of different layers, ranks, scales and numbers of classes, one without anything fitted."""
    return {
        "shoes": adapted_run(
            place / "shoes", LoraMethod(rank=4, alpha=8, targets="all"), ("Boots", "hat, red", "Äpfel"), 1
        ).calibrated(0.7),
        "qv.only": adapted_run(place / "qv", LoraMethod(rank=7, alpha=7, targets="qv"), ("a", "b", "c", "d", "e"), 2),
        "mlp": adapted_run(
            place / "mlp", LoraMethod(rank=2, rslora=True, targets="mlp"), ("left", "right"), 3
        ).calibrated(1.9),
    }
