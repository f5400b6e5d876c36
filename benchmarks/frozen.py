"""Claim: passes over a frozen backbone are faster with folded batch norms, and heads are solved faster by one thread.

python benchmarks/frozen.py       needs shared photos and weights

`fold`: the same batch through a network and through its folded copy, in turn; `solve`: the head's whole path of
regularisations on clothing's features of mobilenetv2_100, with all threads of BLAS and with one, in turn. A ratio is
that of the medians, the plain way's seconds by the quicker one's; the differences of results stand beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from cells import SHARED, Cells

import visionft as vft
from visionft import backbones, data
from visionft.backbones.folding import folded
from visionft.settings import PreprocessSettings, build
from visionft.training import features, probing

BATCH, ROUNDS = 16, 9
DTYPES = {"fp32": None, "bf16": torch.bfloat16}


def in_turn(plain: Callable[[], object], quick: Callable[[], object], rounds: int = ROUNDS) -> dict[str, Any]:
    """Time both, the order turned each round; the first round warms up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            began = time.perf_counter()
            (plain, quick)[which]()
            if turn:
                seconds[which].append(time.perf_counter() - began)
    a, b = (statistics.median(spent) for spent in seconds)
    ratios = sorted(one / two for one, two in zip(*seconds, strict=True))
    return {
        "plain_s": round(a, 4), "quick_s": round(b, 4), "ratio": round(a / b, 2), "rounds": rounds,
        "ratios": [round(ratios[0], 2), round(ratios[-1], 2)],
    }  # fmt: skip


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
        times = in_turn(lambda: network.embed(x), lambda: quick.embed(x))
    return {**times, "batch": BATCH, "difference": float((truth - found).abs().max() / truth.abs().max())}


def solve() -> dict[str, Any]:
    """Time the head's path on real features."""
    place, weights = SHARED / "data" / "clothing", SHARED / "weights" / "mobilenetv2_100.safetensors"
    manifest = data.prepare(place, vft.DataSettings())
    network = backbones.create("mobilenetv2_100", weights, len(manifest.classes))
    preprocess = backbones.preprocess(network, PreprocessSettings())
    settings = build(place, None, **{"hardware.device": "cpu", "hardware.workers": 2})
    train, held_out = (
        features.compute(network, manifest, split, preprocess, settings, lambda *_: None)
        for split in ("train", "validation")
    )
    photos = (train.features, train.labels, held_out.features, held_out.labels)
    found: dict[int, probing.Probe] = {}

    def path(limit: int) -> None:
        probing.ONE_THREAD = limit
        found[limit] = probing.solve(*photos)

    times = in_turn(partial(path, 0), partial(path, train.features.nbytes), rounds=3)
    one, two = found.values()
    return {**times, "shape": train.features.shape, "difference": float(np.abs(one.weight - two.weight).max())}


if __name__ == "__main__":
    cells = Cells("frozen")
    for name in ("mobilenetv2_100", "mobilenetv3_large_100", "resnet50"):
        for precision in DTYPES:
            key = {"what": "fold", "backbone": name, "precision": precision}
            cells.measure(key, partial(fold, name, precision))
    cells.measure({"what": "solve", "set": "clothing", "backbone": "mobilenetv2_100"}, solve)
