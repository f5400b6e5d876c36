"""Whose photo is made ready next."""

from __future__ import annotations

import time

import numpy as np
import pytest

from visionft.serving.decode_cost import BYTES_A_PIXEL, Weight
from visionft.serving.fair_queue import FairQueue, Job, Photo

LATER = time.monotonic() + 1e6


def jobs(count: int, pixels: int = 1, until: float = LATER) -> list[Job]:
    return [Job(Photo(lambda: np.zeros((1, 1, 3), np.uint8), Weight(pixels, False)), until) for _ in range(count)]


def taken(lane: FairQueue) -> Job:
    job = lane.take()
    assert job is not None
    lane.done(job)
    return job


def test_requests_take_turns_so_that_a_large_one_delays_no_small_one() -> None:
    lane, large, small = FairQueue(10**9), jobs(100), jobs(1)
    lane.put(large)
    assert taken(lane) is large[0]
    lane.put(small)

    assert taken(lane) is large[1]
    assert taken(lane) is small[0]
    assert [taken(lane) for _ in range(98)] == large[2:]
    assert lane.take() is None
    assert (len(lane), lane.busy) == (0, 0)


def test_memory_in_work_is_bounded_and_one_photo_is_always_allowed() -> None:
    lane = FairQueue(10 * BYTES_A_PIXEL)
    first, second, huge = jobs(1, 6)[0], jobs(1, 5)[0], jobs(1, 1000)[0]
    lane.put([first, second, huge])

    assert lane.take() is first
    assert lane.take() is None, "6 and 5 are more than 10"
    lane.done(first)
    assert lane.take() is second
    lane.done(second)
    assert lane.take() is huge


def test_what_nobody_waits_for_is_swept_out() -> None:
    lane, kept, late, cancelled = FairQueue(10**9), jobs(2), jobs(1, until=0.0), jobs(1)
    cancelled[0].answer.cancel()
    lane.put([kept[0], *late, kept[1]])
    lane.put(cancelled)

    assert lane.sweep() == [*late, *cancelled]
    assert lane.sweep() == []
    assert [taken(lane), taken(lane)] == kept
    assert lane.pixels == 0


@pytest.mark.parametrize("pixels", [1, 7])
def test_pixels_are_those_that_wait(pixels: int) -> None:
    lane = FairQueue(10**9)
    lane.put(jobs(3, pixels))
    lane.take()
    assert lane.pixels == 2 * pixels
