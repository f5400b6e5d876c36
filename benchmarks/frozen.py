"""Claim: passes over a frozen backbone are faster with folded batch norms, and heads are solved faster by one thread.

python benchmarks/frozen.py       needs shared photos and weights

`fold`: the same batch through a network and through its folded copy, in turn; `solve`: the head's whole path of
regularisations on clothing's features of mobilenetv2_100, with all threads of BLAS and with one, in turn. The plain way
is the champion; the differences of results stand beside the times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from cells import SHARED, Cells

import visionft as vft
from visionft import backbones, data
from visionft.backbones.rewrites.fuse_bn import folded
from visionft.exporting.quantization.speed import race
from visionft.settings import PreprocessSettings, build
from visionft.training import frozen_features, linear_probe

BATCH = 16
DTYPES = {"fp32": None, "bf16": torch.bfloat16}


def raced(plain: Callable[[], object], quick: Callable[[], object]) -> dict[str, float]:
    """Time both in turn."""
    return {name: round(value, 3) for name, value in asdict(race(plain, quick)).items()}


@torch.inference_mode()
def fold(backbone: str, precision: str) -> dict[str, Any]:
    """Time a batch of noise."""
    torch.manual_seed(0)
    network = backbones.create(backbone, "none", 10).to(memory_format=torch.channels_last)
    quick, dtype = folded(network), DTYPES[precision]
    assert quick is not network, "it has batch norms"
    x = torch.randn(BATCH, 3, *network.input_size).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        truth, found = network.embed(x).float(), quick.embed(x).float()
        times = raced(lambda: network.embed(x), lambda: quick.embed(x))
    return {**times, "batch": BATCH, "difference": float((truth - found).abs().max() / truth.abs().max())}


def solve() -> dict[str, Any]:
    """Time the head's path on real features."""
    place, weights = SHARED / "data" / "clothing", SHARED / "weights" / "mobilenetv2_100.safetensors"
    manifest = data.prepare(place, vft.DataSettings())
    network = backbones.create("mobilenetv2_100", weights, len(manifest.classes))
    preprocess = backbones.preprocess(network, PreprocessSettings())
    settings = build(place, None, **{"hardware.device": "cpu", "hardware.workers": 2})
    train, held_out = (
        frozen_features.compute(network, manifest, split, preprocess, settings, lambda *_: None)
        for split in ("train", "validation")
    )
    photos = (train.features, train.labels, held_out.features, held_out.labels)
    found: dict[int, linear_probe.Probe] = {}

    def path(limit: int) -> None:
        linear_probe.ONE_THREAD = limit
        found[limit] = linear_probe.solve(*photos)

    times = raced(partial(path, 0), partial(path, train.features.nbytes))
    one, two = found.values()
    return {**times, "shape": train.features.shape, "difference": float(np.abs(one.weight - two.weight).max())}


if __name__ == "__main__":
    cells = Cells("frozen")
    for name in ("mobilenetv2_100", "mobilenetv3_large_100", "resnet50"):
        for precision in DTYPES:
            key = {"what": "fold", "backbone": name, "precision": precision}
            cells.measure(key, partial(fold, name, precision))
    cells.measure({"what": "solve", "set": "clothing", "backbone": "mobilenetv2_100"}, solve)
