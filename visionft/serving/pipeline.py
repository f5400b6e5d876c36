"""From photos to answers under load: bounded queues, decoding in threads or apart, the network in batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import Answer
from visionft.errors import PhotoError
from visionft.machine.cores import cores
from visionft.serving.decode_process import DecodeProcess
from visionft.serving.engine import Engine
from visionft.serving.fair_queue import FairQueue, Job, Photo, Source
from visionft.serving.limits import Limits

LANE_BYTES = 1_500_000_000
"""Memory of the photos that are made ready in threads at one time."""


class QueueFullError(Exception):
    """The queue has no room for so many photos, or for so many large ones."""


class ClosedError(Exception):
    """The pipeline takes in nothing more."""


class ExpiredError(Exception):
    """A photo's time was over before its turn came."""


class Pipeline:
    """Takes in photos up to a bound; one thread a core makes pixels, a process those of large photos.

    One thread runs the network. All threads are daemons, so that nothing that never ends can keep the process from
    ending.
    """

    def __init__(self, engine: Engine, limits: Limits, on_batch: Callable[[int], None] = lambda _: None) -> None:
        """Start the threads.

        Args:
            engine: the model.
            limits: all but `max_bytes` and `max_held_bytes` count here.
            on_batch: told the photos of each batch.
        """
        self._engine, self._limits, self._on_batch = engine, limits, on_batch
        self._changed = threading.Condition()
        self._ready: deque[Job] = deque()
        self._depth = 0
        self._closed = False
        self._near, self._far = FairQueue(LANE_BYTES), FairQueue(0)
        self._apart = DecodeProcess(engine.front, limits.max_pixels)
        self._begun: dict[str, float] = {}  # when each thread began what it is at
        self._decoders = [f"visionft-decode-{number}" for number in range(cores())]
        for name in self._decoders:
            threading.Thread(target=self._decode, args=[self._near, self._near_pixels], name=name, daemon=True).start()
        self._keeper = threading.Thread(target=self._keep_apart, name="visionft-apart", daemon=True)
        self._worker = threading.Thread(target=self._serve, name="visionft-network", daemon=True)
        self._keeper.start()
        self._worker.start()

    @property
    def depth(self) -> int:
        """Photos taken in and not answered yet."""
        return self._depth

    def problem(self) -> str | None:
        """Say why a small photo that comes now would not be answered soon; None where it would be."""
        now, begun = time.monotonic(), dict(self._begun)
        late = [now - begun.get(name, now) > self._limits.max_photo_seconds for name in self._decoders]
        if all(late):
            return f"every decoding thread has been at one photo for {self._limits.max_photo_seconds:g} s"
        if now - begun.get(self._worker.name, now) > self._limits.timeout:
            return f"the network has been at one batch for {self._limits.timeout:g} s"
        if self._depth >= self._limits.queue:
            return f"the queue of {self._limits.queue} photos is full"
        return None if self._worker.is_alive() else "the network's thread has ended"

    def submit(
        self, sources: Sequence[Source | Photo], until: float, adapter: str | None = None
    ) -> list[Future[Answer]]:
        """Take in photos, all or none.

        Args:
            sources: one for each photo.
            until: the time of `time.monotonic()` after which nobody waits for them.
            adapter: the one that answers; None where the bundle has none.

        Returns:
            A future for each photo; cancelling one frees its place at the next `sweep`, or once its turn comes.

        Raises:
            QueueFullError: there is no room for all of them.
            ClosedError: the pipeline is closing.
        """
        photos = [source if isinstance(source, Photo) else Photo(source) for source in sources]
        jobs = [Job(photo, until, adapter) for photo in photos]
        near = [job for job in jobs if job.photo.parcel is None]
        far = [job for job in jobs if job.photo.parcel is not None]
        more = sum(job.photo.weight.pixels for job in far)
        with self._changed:
            if self._closed:
                raise ClosedError
            if self._depth + len(jobs) > self._limits.queue:
                raise QueueFullError
            if far and self._far.pixels + more > self._limits.max_request_pixels:
                raise QueueFullError
            self._depth += len(jobs)
            self._near.put(near)
            self._far.put(far)
            self._changed.notify_all()
        return [job.answer for job in jobs]

    def sweep(self) -> None:
        """Drop the photos that nobody waits for and that are not in work, and the bytes that they hold."""
        with self._changed:
            stale = [*self._near.sweep(), *self._far.sweep()]
            self._changed.notify_all()
        for job in stale:
            self._finish(job, ExpiredError())

    def close(self, seconds: float) -> None:
        """Take in nothing more, answer what was taken in, and stop after `seconds` at the latest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join(seconds)
        if self._worker.is_alive():
            self._engine.stop()
            self._worker.join(1.0)
        self._apart.process.stop()
        self._keeper.join(1.0)

    def _decode(self, lane: FairQueue, pixels: Callable[[Job], NDArray[np.float32]]) -> None:
        """Make the photos of a lane ready, until the pipeline is closed; the whole life of a thread."""
        name = threading.current_thread().name
        while (job := self._next(lane)) is not None:
            self._begun[name] = time.monotonic()
            self._prepare(job, pixels)
            del self._begun[name]
            with self._changed:
                lane.done(job)
                if job.pixels is not None:
                    self._ready.append(job)
                self._changed.notify_all()

    def _keep_apart(self) -> None:
        self._decode(self._far, self._far_pixels)
        self._apart.process.close()

    def _next(self, lane: FairQueue) -> Job | None:
        with self._changed:
            while (job := lane.take()) is None:
                if self._closed and not lane:
                    return None
                self._changed.wait()
            return job

    def _prepare(self, job: Job, pixels: Callable[[Job], NDArray[np.float32]]) -> None:
        """Make one photo's pixels, or finish it without them."""
        try:
            if job.stale:
                raise ExpiredError
            job.pixels = pixels(job)
        except PhotoError as fault:
            self._finish(job, PhotoError(fault.reason))  # anew: the caught one holds the file's bytes in its traceback
        except Exception as fault:  # noqa: BLE001  # whatever went wrong is this photo's outcome
            self._finish(job, fault)

    def _near_pixels(self, job: Job) -> NDArray[np.float32]:
        return self._engine.pixels(job.photo.source())

    def _far_pixels(self, job: Job) -> NDArray[np.float32]:
        assert job.photo.parcel is not None
        seconds = min(self._limits.max_photo_seconds, max(0.0, job.until - time.monotonic()))
        return self._apart.pixels(job.photo.parcel, seconds)

    def _serve(self) -> None:
        while batch := self._gather():
            stale = [job for job in batch if job.stale]
            for job in stale:
                self._finish(job, ExpiredError())
            if live := [job for job in batch if job not in stale]:
                self._begun[self._worker.name] = time.monotonic()
                self._run(live)
                del self._begun[self._worker.name]

    def _gather(self) -> list[Job]:
        """Wait for a batch; nothing once the pipeline is closed and empty.

        A batch waits for no photo longer than `batch_seconds`, and not at all when none is being made ready in the
        threads. All of it goes through the adapter of the photo that waited longest; the others keep their order. One
        photo is a batch where the answer to it would depend on those beside it, which are other clients'.
        """
        size, wait = 1 if self._engine.mixes else self._limits.batch, self._limits.batch_seconds
        with self._changed:
            self._changed.wait_for(lambda: self._ready or (self._closed and not self._preparing(self._near, self._far)))
            self._changed.wait_for(lambda: len(self._ready) >= size or not self._preparing(self._near), wait)
            waiting, self._ready, batch = self._ready, deque[Job](), list[Job]()
            for job in waiting:
                fits = len(batch) < size and job.adapter == waiting[0].adapter
                (batch if fits else self._ready).append(job)
            return batch

    def _preparing(self, *lanes: FairQueue) -> bool:
        return any(lane.busy or len(lane) for lane in lanes)

    def _run(self, batch: list[Job]) -> None:
        try:
            answers = self._engine.answer([job.pixels for job in batch if job.pixels is not None], batch[0].adapter)
            outcomes: Sequence[Answer | Exception] = answers
        except Exception as fault:  # noqa: BLE001  # onnxruntime raises a dozen types; each photo's request tells it
            outcomes = [fault] * len(batch)
        self._on_batch(len(batch))
        for job, outcome in zip(batch, outcomes, strict=True):
            self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Answer | Exception) -> None:
        with self._changed:
            self._depth -= 1
        with suppress(InvalidStateError):  # cancelled: nobody waits
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)
