"""Photos that wait to be made ready: those of several requests in turn, so that a large request delays no small one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import Answer
from visionft.serving.decode_cost import NOTHING, Weight
from visionft.serving.decode_process import Parcel

Source = Callable[[], NDArray[np.uint8]]
"""Makes one photo, (H, W, 3) uint8 RGB, in a thread of the pipeline; what it raises becomes the photo's outcome."""


@dataclass(frozen=True)
class Photo:
    """A photo whose weight is known.

    Attributes:
        source: makes its levels.
        weight: its cost.
        parcel: what goes to a process of its own; None: it is made ready in a thread.
    """

    source: Source
    weight: Weight = NOTHING
    parcel: Parcel | None = None


@dataclass(eq=False)
class Job:
    """A photo on its way to its answer.

    Attributes:
        photo: as it came.
        until: when nobody waits for it any more, by the monotonic clock, in seconds.
        adapter: the one that answers, in a bundle with adapters.
        answer: what is waited for.
        pixels: the network's input (3, h, w), once it was decoded.
    """

    photo: Photo
    until: float
    adapter: str | None = None
    answer: Future[Answer] = field(default_factory=Future)
    pixels: NDArray[np.float32] | None = None

    @property
    def stale(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.answer.cancelled() or time.monotonic() > self.until


class FairQueue:
    """Jobs in groups, one group a request; not safe between threads, the pipeline's lock guards it."""

    def __init__(self, most_bytes: int) -> None:
        """Begin empty.

        Args:
            most_bytes: memory of the photos that are in work at one time; one photo is always allowed.
        """
        self._groups: deque[deque[Job]] = deque()
        self._most_bytes, self._bytes = most_bytes, 0
        self.busy = 0
        """Jobs that are in work."""

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    @property
    def pixels(self) -> int:
        """Pixels of the photos that wait."""
        return sum(job.photo.weight.pixels for group in self._groups for job in group)

    def put(self, jobs: Iterable[Job]) -> None:
        """Take in the jobs of one request."""
        if group := deque(jobs):
            self._groups.append(group)

    def take(self) -> Job | None:
        """Return the next job of the request whose turn it is; None if nothing waits, or there is no memory for it."""
        if not self._groups:
            return None
        cost = self._groups[0][0].photo.weight.bytes
        if self.busy and self._bytes + cost > self._most_bytes:
            return None
        group = self._groups.popleft()
        job = group.popleft()
        if group:
            self._groups.append(group)
        self.busy += 1
        self._bytes += cost
        return job

    def done(self, job: Job) -> None:
        """Free what a job that was taken held."""
        self.busy -= 1
        self._bytes -= job.photo.weight.bytes

    def sweep(self) -> list[Job]:
        """Remove and return the jobs that nobody waits for."""
        stale = [job for group in self._groups for job in group if job.stale]
        if stale:
            kept = (deque(job for job in group if job not in stale) for group in self._groups)
            self._groups = deque(group for group in kept if group)
        return stale
