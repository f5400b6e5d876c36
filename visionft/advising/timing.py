"""Time the steps of a schedule: each phase from its start, the first steps left out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from visionft.machine.progress import Advance
from visionft.methods import Schedule
from visionft.planning.crop_sizes import crop
from visionft.planning.step_timing import COUNTED, saved_bytes
from visionft.training.callbacks import Listener
from visionft.training.eta import WARM_UP
from visionft.training.state import TrainState

LEAST_STEPS = 2  # of each phase: the first one allocates, and says nothing about the others


@dataclass(frozen=True)
class Limits:
    """How long one method may be tried.

    Attributes:
        steps: optimizer steps, at least 1; each phase of a schedule gets its part, and 2 at the least.
        seconds: of these steps; no new one is begun afterwards.
    """

    steps: int = 20
    seconds: float = 30.0


class Stopwatch(Listener):
    """Time the steps of each phase that trains other levels than those before, then stop.

    Args:
        schedule: of the whole fit.
        limits: of the steps here.
        advance: receives (steps done, steps planned).
    """

    def __init__(self, schedule: Schedule, limits: Limits, advance: Advance) -> None:
        firsts = {stretch.lowest: stretch.start for stretch in reversed(schedule.stretches)}
        self.starts = sorted(firsts.values())
        self.schedule, self.advance = schedule, advance
        self.quota = max(LEAST_STEPS, limits.steps // len(self.starts))
        self.seconds = limits.seconds / len(self.starts)
        self.taken = self.trainable = self.saved_bytes = 0
        self._times: list[float] = []
        self._medians: dict[int, float] = {}

    def stepped(self, state: TrainState, photos: int) -> None:
        """Note the time; go to the next phase, or stop, when there are enough."""
        _wait(state)
        self._times.append(time.perf_counter())
        self.taken += 1
        self.advance(self.taken, self.quota * len(self.starts))
        enough = len(self._times) >= self.quota or self._times[-1] - self._times[0] >= self.seconds
        if not enough or len(self._times) < LEAST_STEPS:
            return
        start = self.starts[len(self._medians)]
        self._medians[self.schedule.at(start).lowest] = median_step(self._times)
        self._look(state)
        self._times = []
        if len(self._medians) == len(self.starts):
            state.stop = True
        else:
            state.step = self.starts[len(self._medians)]

    def step_seconds(self) -> float:
        """Return the mean over the schedule of the phases' medians."""
        return mean_step(self.schedule, self._medians)

    def _look(self, state: TrainState) -> None:
        trained = sum(p.numel() for p in state.network.parameters() if p.requires_grad)
        size, photos = crop(state.settings, state.network.input_size), min(COUNTED, state.micro_batch)
        self.trainable = max(self.trainable, trained)
        self.saved_bytes = max(self.saved_bytes, saved_bytes(state.network, size, photos=photos))


def median_step(times: Sequence[float]) -> float:
    """Return the median seconds of a step from the moments at which steps ended, the first two left out."""
    gaps = [after - before for before, after in pairwise(times)]
    return statistics.median(gaps[min(WARM_UP - 1, len(gaps) - 1) :])  # the first step lies before the first gap


def mean_step(schedule: Schedule, seconds: Mapping[int, float]) -> float:
    """Return the mean seconds of a step over a schedule, from those of each lowest level that trains."""
    return sum(stretch.steps * seconds[stretch.lowest] for stretch in schedule.stretches) / schedule.total_steps


def _wait(state: TrainState) -> None:
    if state.device.type == "cuda":
        torch.cuda.synchronize()
