"""Claim: on a processor, small micro-batches make a training step faster and leaner than the whole batch at once.

The C library returns buffers above 32 MB to the kernel after each use, and the next use pays for mapping and zeroing
them again. Compared, in turn and each in a process of its own: the whole batch; the whole batch with freed memory kept
(visionft.machine.memory); micro-batches; micro-batches with freed memory kept.

python benchmarks/micro_batch.py [--rounds 3]     images a second and peak memory of each kind
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from statistics import median
from typing import Any

from cells import Cells

KINDS = {"whole": (False, 32), "whole_kept": (True, 32), "micro": (False, 8), "micro_kept": (True, 8)}
CASES = (("mobilenetv2_100", 224), ("mobilenetv2_100", 176), ("resnet50", 224), ("vit_tiny_patch16_224", 224))
BATCH = 32


def step_rate(keep: bool, micro: int, name: str, size: int, steps: int) -> tuple[float, float]:
    """Return images a second of full training steps (batch norms frozen) after a warm-up step, and peak MB."""
    import timm
    import torch

    from visionft.machine.memory import keep_freed_memory

    if keep:
        assert keep_freed_memory()
    model = timm.create_model(name, num_classes=10).to(memory_format=torch.channels_last).eval()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    x = torch.randn(BATCH, 3, size, size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (BATCH,))
    for step in range(steps + 1):
        if step == 1:
            began = time.perf_counter()
        for photos, labels in zip(x.split(micro), y.split(micro), strict=True):
            torch.nn.functional.cross_entropy(model(photos), labels).mul(micro / BATCH).backward()
        optimizer.step()
        optimizer.zero_grad()
    rate = BATCH * steps / (time.perf_counter() - began)
    return rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(name: str, size: int, rounds: int) -> dict[str, Any]:
    """Run the kinds in turn and return rates, ratios to the whole batch and peak memory."""
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    peaks: dict[str, float] = {}
    for _ in range(rounds):
        for kind, (keep, micro) in KINDS.items():
            command = [sys.executable, __file__, "--one", json.dumps([keep, micro, name, size, 4])]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rate, peak = json.loads(done.stdout)
            rates[kind].append(round(rate, 1))
            peaks[kind] = round(max(peak, peaks.get(kind, 0)))
    ratios = {kind: round(median(b / a for a, b in zip(rates["whole"], rates[kind], strict=True)), 2) for kind in KINDS}
    return {"images_per_second": rates, "median_ratio_to_whole": ratios, "peak_mb": peaks, "n": rounds}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(step_rate(*json.loads(arguments.one))))
    else:
        cells = Cells("micro_batch")
        for name, size in CASES:
            cells.measure({"model": name, "size": size}, lambda n=name, s=size: compare(n, s, arguments.rounds))
