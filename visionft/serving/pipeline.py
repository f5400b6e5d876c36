"""From photos to answers under load: a bounded queue, decoding in threads, the network in batches."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import Answer
from visionft.errors import PhotoError
from visionft.serving.engine import Engine
from visionft.serving.limits import Limits

Source = Callable[[], NDArray[np.uint8]]
"""Makes one photo, (H, W, 3) uint8 RGB, in a thread of the pipeline; what it raises becomes the photo's outcome."""


class QueueFullError(Exception):
    """The queue has no room for so many photos."""


class ClosedError(Exception):
    """The pipeline takes in nothing more."""


class ExpiredError(Exception):
    """A photo's time was over before its turn came."""


@dataclass(eq=False)
class _Job:
    source: Source
    until: float
    adapter: str | None = None
    answer: Future[Answer] = field(default_factory=Future)
    pixels: NDArray[np.float32] | None = None

    @property
    def stale(self) -> bool:
        return self.answer.cancelled() or time.monotonic() > self.until


class Pipeline:
    """Takes in photos up to a bound; one thread a core makes pixels, one thread runs the network."""

    def __init__(self, engine: Engine, limits: Limits, on_batch: Callable[[int], None] = lambda _: None) -> None:
        """Start the threads.

        Args:
            engine: the model.
            limits: `queue`, `batch` and `batch_seconds` count here.
            on_batch: told the photos of each batch.
        """
        self._engine, self._limits, self._on_batch = engine, limits, on_batch
        self._changed = threading.Condition()
        self._ready: deque[_Job] = deque()
        self._depth = self._preparing = 0
        self._closed = False
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "visionft-decode")
        # A daemon, so that a network that never ends cannot keep the process from ending.
        self._worker = threading.Thread(target=self._serve, name="visionft-network", daemon=True)
        self._worker.start()

    @property
    def depth(self) -> int:
        """Photos taken in and not answered yet."""
        return self._depth

    def submit(self, sources: Sequence[Source], until: float, adapter: str | None = None) -> list[Future[Answer]]:
        """Take in photos, all or none.

        Args:
            sources: one for each photo.
            until: the time of `time.monotonic()` after which nobody waits for them.
            adapter: the one that answers; None where the bundle has none.

        Returns:
            A future for each photo; cancelling one frees its place once its turn comes.

        Raises:
            QueueFullError: there is no room for all of them.
            ClosedError: the pipeline is closing.
        """
        jobs = [_Job(source, until, adapter) for source in sources]
        with self._changed:
            if self._closed:
                raise ClosedError
            if self._depth + len(jobs) > self._limits.queue:
                raise QueueFullError
            self._depth += len(jobs)
            self._preparing += len(jobs)
        for job in jobs:
            self._pool.submit(self._prepare, job)
        return [job.answer for job in jobs]

    def close(self, seconds: float) -> None:
        """Take in nothing more, answer what was taken in, and stop after `seconds` at the latest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join(seconds)
        if self._worker.is_alive():
            self._engine.stop()
            self._worker.join(1.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, job: _Job) -> None:
        """Make one photo's pixels, and hand them to the network's thread."""
        try:
            if job.stale:
                raise ExpiredError
            job.pixels = self._engine.pixels(job.source())
        except PhotoError as fault:
            self._finish(job, PhotoError(fault.reason))  # anew: the caught one holds the file's bytes in its traceback
        except Exception as fault:  # noqa: BLE001  # whatever went wrong is this photo's outcome
            self._finish(job, fault)
        with self._changed:
            self._preparing -= 1
            if job.pixels is not None:
                self._ready.append(job)
            self._changed.notify_all()

    def _serve(self) -> None:
        while batch := self._gather():
            stale = [job for job in batch if job.stale]
            for job in stale:
                self._finish(job, ExpiredError())
            if live := [job for job in batch if job not in stale]:
                self._run(live)

    def _gather(self) -> list[_Job]:
        """Wait for a batch; nothing once the pipeline is closed and empty.

        A batch waits for no photo longer than `batch_seconds`, and not at all when none is being made ready. All of it
        goes through the adapter of the photo that waited longest; the others keep their order.
        """
        size, wait = self._limits.batch, self._limits.batch_seconds
        with self._changed:
            self._changed.wait_for(lambda: self._ready or (self._closed and not self._preparing))
            self._changed.wait_for(lambda: len(self._ready) >= size or not self._preparing, wait)
            waiting, self._ready, batch = self._ready, deque[_Job](), list[_Job]()
            for job in waiting:
                fits = len(batch) < size and job.adapter == waiting[0].adapter
                (batch if fits else self._ready).append(job)
            return batch

    def _run(self, batch: list[_Job]) -> None:
        try:
            answers = self._engine.answer([job.pixels for job in batch if job.pixels is not None], batch[0].adapter)
            outcomes: Sequence[Answer | Exception] = answers
        except Exception as fault:  # noqa: BLE001  # onnxruntime raises a dozen types; each photo's request tells it
            outcomes = [fault] * len(batch)
        self._on_batch(len(batch))
        for job, outcome in zip(batch, outcomes, strict=True):
            self._finish(job, outcome)

    def _finish(self, job: _Job, outcome: Answer | Exception) -> None:
        with self._changed:
            self._depth -= 1
        with suppress(InvalidStateError):  # cancelled: nobody waits
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)
