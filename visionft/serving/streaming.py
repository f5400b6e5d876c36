"""From photos to answers in bounded memory: they are made ready in threads and answered in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.machine.cores import cores
from visionft.photos import Item

BATCH = 32
"""Photos that go through the network together; more bring no further speed on a processor."""
HELD_BYTES = 256_000_000
"""Of photos in memory that wait for a thread: a caller's own are copied when their turn comes."""

Ready = TypeVar("Ready")
Answered = TypeVar("Answered")
Photo = NDArray[np.uint8]
Progress = Callable[[int, int], None]
"""Called with the number of photos done and of all photos, as far as it is known."""


@dataclass(frozen=True)
class Outcome(Generic[Answered]):
    """What became of one photo.

    Attributes:
        place: its number in the order of asking, from 0.
        name: as the item has it.
        named: as the item has it.
        answer: what the network says; none where it could not be read.
        problem: why it could not.
    """

    place: int
    name: str
    named: bool
    answer: Answered | None = None
    problem: str | None = None


@dataclass(frozen=True)
class _Job(Generic[Ready]):
    place: int
    name: str
    named: bool
    ready: Future[Ready]


def answered(
    items: Iterable[Item],
    prepare: Callable[[Photo], Ready],
    answer: Callable[[Sequence[Ready]], Sequence[Answered]],
    *,
    batch: int = BATCH,
    threads: int | None = None,
) -> Iterator[Outcome[Answered]]:
    """Yield the outcome of every item, batch by batch, and a batch whose photos take long after others.

    A batch is always the same items, `batch` after one another, so that the answers do not hang on which photo was
    ready first. What is held at once is a few batches of what `prepare` makes, and a decoded photo for each thread.

    Args:
        items: taken a few ahead of the answers.
        prepare: from (H, W, 3) uint8 RGB to one input of the network; called in threads.
        answer: from inputs to as many answers; called in the thread of the caller.
        batch: photos in a batch, from 1.
        threads: that make photos ready; one a core if None, and some at least.
    """
    workers = threads or _WORKERS
    groups: list[list[_Job[Ready]]] = []
    waiting: dict[Future[Ready], int] = {}
    with _threads(workers) as pool:
        for place, item in enumerate(items):
            if place % batch == 0:
                groups.append([])
            ready = pool.submit(_prepared, item, prepare)
            groups[-1].append(_Job(place, item.name, item.named, ready))
            waiting[ready] = item.held
            while len(waiting) >= max(batch, 2 * workers) or sum(waiting.values()) > HELD_BYTES:
                _take_off(waiting)
            for group in _whole(groups, batch):
                yield from _outcomes(group, answer)
        while groups:
            for group in _whole(groups):
                yield from _outcomes(group, answer)
            if groups:
                _take_off(waiting)


def _whole(groups: list[list[_Job[Ready]]], least: int = 1) -> list[list[_Job[Ready]]]:
    """Take out the groups of at least so many photos that are all ready."""
    found = [group for group in groups if len(group) >= least and all(job.ready.done() for job in group)]
    groups[:] = [group for group in groups if group not in found]
    return found


_WORKERS = max(4, cores())  # more than the cores of a small machine: some wait for a disk


@contextmanager
def _threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads that start nothing more once the block is left, however it is."""
    pool = ThreadPoolExecutor(workers, "visionft-decode")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prepared(item: Item, prepare: Callable[[Photo], Ready]) -> Ready:
    try:
        return prepare(item.load())
    except PhotoError as fault:
        reason = fault.reason
    raise PhotoError(reason)  # anew: the caught one holds the file's bytes in its traceback


def _take_off(waiting: dict[Future[Ready], int]) -> None:
    """Wait for one more photo, and take off all that are ready."""
    for done in wait(waiting, return_when=FIRST_COMPLETED).done:
        del waiting[done]


def _outcomes(
    group: Sequence[_Job[Ready]], answer: Callable[[Sequence[Ready]], Sequence[Answered]]
) -> Iterator[Outcome[Answered]]:
    problems = {job.place: fault for job in group if (fault := job.ready.exception()) is not None}
    for fault in problems.values():
        if not isinstance(fault, PhotoError):
            raise fault
    inputs = [job.ready.result() for job in group if job.place not in problems]
    answers = iter(answer(inputs) if inputs else ())
    for job in group:
        if job.place in problems:
            fault = problems[job.place]
            yield Outcome(job.place, job.name, job.named, problem=str(fault))
        else:
            yield Outcome(job.place, job.name, job.named, next(answers))
