"""Two sessions timed in turn on this machine: how many times faster one is, and how surely."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 15
"""Rounds of a race: the interval of the median then runs from the 4th to the 12th ratio."""
SECONDS = 20.0
"""Of one race, unless fewer rounds than `LEAST` were run by then."""
LEAST = 9
"""The fewest rounds whose interval leaves out the extremes."""


@dataclass(frozen=True)
class Race:
    """How a challenger ran beside a champion.

    Attributes:
        ratio: median over rounds of the champion's time by the challenger's; above 1, the challenger is faster.
        low: lower end of the median's 95 % interval.
        high: its upper end.
        champion_ms: median milliseconds.
        challenger_ms: median milliseconds.
        rounds: each of two calls of both.
    """

    ratio: float
    low: float
    high: float
    champion_ms: float
    challenger_ms: float
    rounds: int


def race(
    champion: Callable[[], object], challenger: Callable[[], object], rounds: int = ROUNDS, seconds: float = SECONDS
) -> Race:
    """Call champion, challenger, challenger, champion, and so on.

    Each round gives one ratio, so that what slows the machine for a while slows both; each is the first once and the
    second once, so that what a call leaves in the caches, or wakes up, serves both. The first round warms up.

    Args:
        champion: what is to be beaten.
        challenger: what would beat it.
        rounds: at most, at least `LEAST`.
        seconds: after which no round is begun, once there are `LEAST`.
    """
    began, times = time.perf_counter(), list[tuple[float, float]]()
    for number in range(rounds + 1):
        if number > LEAST and time.perf_counter() - began > seconds:
            break
        spent = [_timed(call) for call in (champion, challenger, challenger, champion)]
        times.append(((spent[0] + spent[3]) / 2, (spent[1] + spent[2]) / 2))
    return race_of(times[1:])


def race_of(times: Sequence[tuple[float, float]]) -> Race:
    """Return the figures of rounds, each the champion's and the challenger's seconds."""
    ratios = [one / two for one, two in times]
    low, high = median_interval(ratios)
    one, two = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    return Race(statistics.median(ratios), low, high, one, two, len(times))


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median, the k-th value from either end (David and Nagaraja, 2003, 7.1).

    Each value lies above the median with chance 1/2 whatever the distribution, so k is the largest number for which
    fewer than k of n lie on one side with a chance of at most 2.5 %. With fewer than 6 values nothing is certain, and
    the interval is unbounded.
    """
    n, chance, k = len(values), 0.0, 0
    while (chance := chance + math.comb(n, k) / 2**n) <= 0.025:
        k += 1
    ordered = np.sort(values)
    return (float(ordered[k - 1]), float(ordered[n - k])) if k else (-math.inf, math.inf)


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
