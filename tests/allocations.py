"""What the processor's own allocator hands out during training steps: the truth that a forecast is held against."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from torch import nn
from torch.profiler import ProfilerActivity, profile

from visionft.data import Manifest
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.plan import make_plan
from visionft.settings import FitSettings
from visionft.training.epochs import make_loader, make_state
from visionft.training.step import optimizer_step

STEPS = 2
"""The optimizer's memory begins in the first."""


def measured_peak(settings: FitSettings, manifest: Manifest, *, advance: Any = None) -> int:
    """Return the most bytes of tensors in real steps of a fit: weights, and whatever was allocated beside them.

    Nothing of visionft counts: it is the sum over the profiler's list of what the allocator gave and took back.
    """
    plan = make_plan(settings, manifest, lambda _: None)
    loader = make_loader(plan, manifest)
    schedule = plan.schedule(loader.steps_per_epoch)
    with memory_efficient(plan.settings, plan.network):
        state = make_state(plan, manifest, schedule, loader, lambda _: None)
        state.begin(None, Path())
        held = bytes_of(state.network, state.final_network)  # the profiler knows nothing of what was there before
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            for batch in islice(loader, STEPS):
                optimizer_step(state, state.fabric.to_device(batch))
    loader.close()
    return held + highest(changes(profiler))


def changes(profiler: profile) -> list[int]:
    """Return what the processor's allocator gave (above 0) and took back, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    memory = [event for event in events if event["name"] == "[memory]" and event["args"]["Device Type"] == 0]
    return [event["args"]["Bytes"] for event in sorted(memory, key=lambda event: event["ts"])]


def highest(values: Iterable[int]) -> int:
    """Return the highest running sum, at least 0."""
    total = most = 0
    for value in values:
        total += value
        most = max(most, total)
    return most


def bytes_of(*networks: nn.Module) -> int:
    """Return the bytes of all parameters and buffers; what two networks share, once."""
    tensors = [tensor for network in networks for tensor in (*network.parameters(), *network.buffers())]
    return sum({tensor.data_ptr(): tensor.numel() * tensor.element_size() for tensor in tensors}.values())
