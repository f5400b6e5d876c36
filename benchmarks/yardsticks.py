"""Training steps that are not ours: what a machine can do with a network when nothing stands in the way.

Each function takes plain values and returns plain values, so that it can be sent to a process of its own.
"""

from __future__ import annotations

import gc
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.utils import ModelEmaV3, dispatch_clip_grad
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.machine.memory import keep_freed_memory

WARM_UP = 5  # the first steps allocate, and choose kernels
TRIED = 3  # steps of each way after one that warms up
CLASSES = 100

Advance = Callable[[int, int], None]


def bare(backbone: str, batch: int, size: int, steps: int, device: str, *, advance: Advance) -> dict[str, Any]:
    """Train on one synthetic batch that lies on the device: forward, backward, fused AdamW, bf16, channels_last."""
    model, pixels, labels = _start(backbone, batch, size, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, fused=True)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16):
            loss = F.cross_entropy(model(pixels), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return _timed(step, batch, steps, device, advance)


@dataclass(frozen=True)
class Way:
    """How a processor may train: arithmetic, memory order, photos in one pass."""

    bf16: bool
    channels_last: bool
    micro_batch: int


def best_bare(backbone: str, batch: int, size: int, steps: int, *, advance: Advance) -> dict[str, Any]:
    """Train on one synthetic batch on a processor in the fastest of eight ways: what this machine could do.

    All weights are trained by fused AdamW; batch norms keep their statistics, as ours do. Freed memory is kept.
    """
    keep_freed_memory()
    ways = [Way(*each) for each in itertools.product((False, True), (False, True), (min(8, batch), batch))]
    times = {way: _least(_way_step(backbone, batch, size, way)) for way in dict.fromkeys(ways)}
    best = min(times, key=times.__getitem__)
    told = _timed(_way_step(backbone, batch, size, best), batch, steps, "cpu", advance)
    return {**told, **vars(best), "tried": {str(way): round(batch / seconds, 1) for way, seconds in times.items()}}


def _way_step(backbone: str, batch: int, size: int, way: Way) -> Callable[[], None]:
    torch.manual_seed(0)
    order = torch.channels_last if way.channels_last else torch.contiguous_format
    model = timm.create_model(backbone, num_classes=CLASSES).to(memory_format=order).train()
    keep_statistics(model)
    pixels = torch.randn(batch, 3, size, size).contiguous(memory_format=order)
    labels = torch.randint(0, CLASSES, (batch,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, fused=True)

    def step() -> None:
        for x, y in zip(pixels.split(way.micro_batch), labels.split(way.micro_batch), strict=True):
            with torch.autocast("cpu", torch.bfloat16, enabled=way.bf16):
                loss = F.cross_entropy(model(x), y, label_smoothing=0.1, reduction="sum") / batch
            loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def keep_statistics(model: nn.Module) -> None:
    """Let batch norms keep their statistics, as ours do with pretrained weights."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _least(step: Callable[[], None]) -> float:
    times: list[float] = []
    for _ in range(1 + TRIED):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def timm_step(backbone: str, batch: int, size: int, steps: int, device: str, *, advance: Advance) -> dict[str, Any]:
    """Train as timm's train.py does with --amp --amp-dtype bfloat16 --channels-last --model-ema --clip-grad 1.

    Its optimizer, loss, clipping and average are timm's own, called in the order of its loop; batches are synthetic
    and lie on the device. Batch norms keep their statistics, as ours do.
    """
    model, pixels, labels = _start(backbone, batch, size, device)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-4, weight_decay=0.05)
    loss_of, average = LabelSmoothingCrossEntropy(0.1), ModelEmaV3(model, decay=0.999)
    taken = 0

    def step() -> None:
        nonlocal taken
        with torch.autocast(device, torch.bfloat16):
            loss = loss_of(model(pixels), labels)
        loss.backward()
        dispatch_clip_grad(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update(model, step=taken)
        taken += 1

    return _timed(step, batch, steps, device, advance)


def _start(backbone: str, batch: int, size: int, device: str) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = timm.create_model(backbone, num_classes=CLASSES).to(device, memory_format=torch.channels_last).train()
    keep_statistics(model)
    pixels = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    return model, pixels, torch.randint(0, CLASSES, (batch,), device=device)


def _timed(step: Callable[[], None], batch: int, steps: int, device: str, advance: Advance) -> dict[str, Any]:
    """Return photos a second by the median step, waiting for the device after each, as our own stopwatch does."""
    times: list[float] = []
    gc.collect()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for done in range(WARM_UP + steps):
        began = time.perf_counter()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
        advance(done + 1, WARM_UP + steps)
    peak = torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else None
    return {"images_per_second": batch / statistics.median(times[WARM_UP:]), "peak_memory_mb": peak, "steps": steps}
