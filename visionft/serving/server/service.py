"""What the routes share: the bundle, the pipeline, the limits and the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import ceil
from typing import TypeVar

from starlette.requests import Request

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.bundle.schema import TensorRecord, tensors
from visionft.errors import PhotoError
from visionft.serving.fair_queue import Photo
from visionft.serving.limits import Limits
from visionft.serving.pipeline import ClosedError, ExpiredError, Pipeline, QueueFullError
from visionft.serving.server.authentication import Access
from visionft.serving.server.body_budget import Budget, Held
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.json_process import Parser
from visionft.serving.server.prometheus import Counters
from visionft.serving.server.request_body import Body, read_body, unpacked

Outcome = Answer | PhotoError
T = TypeVar("T")
_LISTED = 20
"""Adapters that a sentence names."""
SHORT = 1_048_576
"""Bytes that are parsed in some milliseconds."""
_MOST_PACKED = 1032
"""Bytes that deflate makes of one at most."""


@dataclass
class Service:
    """One bundle under one name.

    Attributes:
        bundle: what is served.
        name: the model's name in addresses.
        limits: what is refused.
        pipeline: answers photos.
        counters: the figures.
        access: who may ask.
        parser: reads long JSON; for steps of `work` with a size above `SHORT` alone, which take turns.
        draining: whether the process was asked to end.
    """

    bundle: Bundle
    name: str
    limits: Limits
    pipeline: Pipeline
    counters: Counters
    access: Access = field(default_factory=Access)
    draining: bool = False

    def __post_init__(self) -> None:
        """Begin with no body held, and start the threads that read bodies."""
        self.budget = Budget(self.limits.held_bytes)
        self.counters.watch_bytes(lambda: self.budget.held)
        self.parser = Parser(self.limits, self.bundle.answers.outputs)
        self._readers = {long: ThreadPoolExecutor(1 if long else 2, "visionft-read") for long in (False, True)}
        self._lookups = ThreadPoolExecutor(2, "visionft-search")

    def close(self, seconds: float) -> None:
        """Take in nothing more, and stop after `seconds` at the latest."""
        for readers in (*self._readers.values(), self._lookups):
            readers.shutdown(wait=False, cancel_futures=True)
        self.parser.process.stop()
        self.pipeline.close(seconds)

    def problem(self) -> str | None:
        """Say why a request that comes now would not be answered soon; None where it would be."""
        return "the server is stopping" if self.draining else self.pipeline.problem()

    @cached_property
    def classes(self) -> dict[str | None, tuple[str, ...]]:
        """Class names by adapter; under None where there is none."""
        return {name: self.bundle.chosen(name).classes.names for name in self.bundle.adapters or (None,)}

    @cached_property
    def tensors(self) -> tuple[TensorRecord, ...]:
        """The table of the protocol; an adapted graph knows no labels, and this server adds them."""
        table = self.bundle.record.tensors
        features = next(row.shape[1] for row in table if row.name == n.EMBEDDING)
        return tensors(n.CLASS_COUNT, int(features)) if self.bundle.adapters else table

    def chosen(self, name: object) -> str | None:
        """Return the adapter that a request is answered through.

        Args:
            name: `parameters.adapter` of the protocol, or `?adapter=`; None where there is none.

        Raises:
            RefusalError: 400 if there is no such adapter, or none is named where each answer needs one.
        """
        if isinstance(name, str | None) and name in self.classes:
            return name
        if not self.bundle.adapters:
            raise RefusalError(400, f"this bundle has no adapter {shortened(name)} (it has none at all): leave it out")
        listed = ", ".join(self.bundle.adapters[:_LISTED]) + (" ..." if len(self.bundle.adapters) > _LISTED else "")
        asked = "no adapter was named" if name is None else f"this bundle has no adapter {shortened(name)}"
        raise RefusalError(400, f"{asked}: give one of {listed}")

    async def body(self, request: Request) -> Body:
        """Read a request's body within the limits, and note its size for the log."""
        held: Held = request.state.held
        body = await read_body(request, self.limits.max_bytes, self.remaining(request), held)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            packed = len(body)
            step = partial(unpacked, body, encoding, self.limits.max_bytes, held)
            body = await self.work(request, step, packed * _MOST_PACKED)
            held.give_back(packed)
        request.state.bytes = len(body)
        return body

    async def work(self, request: Request, step: Callable[[], T], size: int) -> T:
        """Take a step of reading a body in a thread, so that others are answered meanwhile.

        Args:
            request: whose body it is.
            step: what is done.
            size: bytes that it works on; long ones wait for each other and for no short one.

        Raises:
            RefusalError: 504 after the request's time limit, 503 while the server stops, and what the step raises.
        """
        return await self._done(request, self._readers[size > SHORT], step)

    async def look_up(self, request: Request, step: Callable[[], T]) -> T:
        """Take a step of a search in a thread; a condition may take seconds, which no body waits for.

        Raises:
            RefusalError: as `work`.
        """
        return await self._done(request, self._lookups, step)

    async def _done(self, request: Request, threads: ThreadPoolExecutor, step: Callable[[], T]) -> T:
        try:
            job = threads.submit(_unless_late, step, request.state.until)
        except RuntimeError:  # the pool is shut down
            raise _stopping() from None
        future = asyncio.wrap_future(job)
        done, _ = await asyncio.wait([future], timeout=self.remaining(request))
        if not done or isinstance(future.exception(), ExpiredError):
            future.cancel()
            raise self._expired()
        return future.result()

    def remaining(self, request: Request) -> float:
        """Return the seconds that are left to a request, 0 at least."""
        return max(0.0, float(request.state.until) - time.monotonic())

    async def answer(self, request: Request, sources: Sequence[Photo], adapter: str | None = None) -> list[Outcome]:
        """Answer photos, or say of each why it cannot be read.

        Raises:
            RefusalError: 429 if the queue is full, 503 while the server stops, 504 after the time limit.
        """
        request.state.photos = len(sources)
        try:
            jobs = self.pipeline.submit(sources, request.state.until, adapter)
        except QueueFullError:
            raise self._full(sources) from None
        except ClosedError:
            raise _stopping() from None
        return await self._outcomes(jobs, self.remaining(request))

    async def _outcomes(self, jobs: Sequence[Future[Answer]], seconds: float) -> list[Outcome]:
        futures = [asyncio.wrap_future(job) for job in jobs]
        _, late = await asyncio.wait(futures, timeout=seconds)
        for future in late:
            future.cancel()
        if late:
            self.pipeline.sweep()
        faults = [future.exception() for future in futures if future not in late]
        expired = len(late) + sum(isinstance(fault, ExpiredError) for fault in faults)
        self._count(faults, len(late))
        if expired:
            raise self._expired()
        unforeseen = next((fault for fault in faults if fault and not isinstance(fault, PhotoError)), None)
        if unforeseen is not None:
            raise unforeseen
        return [
            fault if isinstance(fault, PhotoError) else job.result() for fault, job in zip(faults, jobs, strict=True)
        ]

    def _count(self, faults: Sequence[BaseException | None], late: int) -> None:
        outcomes = {type(None): "answered", PhotoError: "unreadable", ExpiredError: "expired"}
        for outcome in [outcomes.get(type(fault), "failed") for fault in faults] + ["expired"] * late:
            self.counters.photo(outcome)

    def _full(self, photos: Sequence[Photo]) -> RefusalError:
        large = self.pipeline.depth + len(photos) <= self.limits.queue
        which = "the queue of large photos" if large else f"the queue of {self.limits.queue} photos"
        return RefusalError(
            429,
            f"{which} is full: send the request again in a moment",
            {"retry-after": str(max(1, ceil(self.limits.batch_seconds)))},
        )

    def _expired(self) -> RefusalError:
        if self.draining:
            return _stopping()
        return RefusalError(
            504, f"there was no answer within {self.limits.timeout:g} s: send fewer or smaller photos, or later"
        )


def _unless_late(step: Callable[[], T], until: float) -> T:
    """Take a step that somebody still waits for."""
    if time.monotonic() > until:
        raise ExpiredError
    return step()


def _stopping() -> RefusalError:
    return RefusalError(503, "the server is stopping: send the request to another one", {"connection": "close"})
