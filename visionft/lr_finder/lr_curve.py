"""The mathematics of a range test: rates that rise, losses smoothed, divergence, and the rate that they suggest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIVERGED = 4.0  # times the lowest smoothed loss, as in arXiv 1803.09820 and the finders that followed it
WINDOW = 10  # a smoothed loss looks back over about this part of all steps, whatever their number
CLEAR = 3.0  # standard errors that a fall must have: the lowest of many noisy values is low by chance alone
TINY = 1e-9  # what rounding alone changes in a loss
WIDTH = 1 / 25  # of all steps: a third of a decade, where 100 of them cross seven
MARGIN = 10.0  # a rate that only has an upper edge stays this factor below it
Losses = NDArray[np.float64]


def rate_at(step: int, steps: int, lowest: float, highest: float) -> float:
    """Return the rate of a step: `lowest` at step 0, `highest` at the last, every step by the same factor."""
    return lowest * math.exp(step / max(1, steps - 1) * math.log(highest / lowest))


def decay_of(steps: int) -> float:
    """Return the decay of the moving averages of a test of so many steps."""
    return max(0.0, 1.0 - WINDOW / steps)


class RunningLoss:
    """The exponential moving average of losses, without the pull towards its start at zero (arXiv 1412.6980)."""

    def __init__(self, decay: float) -> None:
        self.decay, self.lowest = decay, math.inf
        self._sum = self._weight = 0.0

    def diverges(self, loss: float) -> bool:
        """Take the next loss; tell whether the average is 4 times its lowest value so far, or no number."""
        self._sum = self.decay * self._sum + (1 - self.decay) * loss
        self._weight = self.decay * self._weight + (1 - self.decay)
        if not math.isfinite(self.average):
            return True
        self.lowest = min(self.lowest, self.average)
        return self.average > DIVERGED * self.lowest > 0

    @property
    def average(self) -> float:
        """The average of the losses so far; there is at least one."""
        return self._sum / self._weight


def weights_of(count: int, steps: int) -> Losses:
    """Return the weights [N, N] of the smoothed losses: a normal curve around each step; a row's sum is 1.

    An average of the past alone would show every turn of the loss some steps late, which is at too high a rate.

    Args:
        count: losses, N.
        steps: of the whole test, a 25th of which is the curve's standard deviation.
    """
    places = np.arange(count)
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / (steps * WIDTH)) ** 2)
    normalised: Losses = weights / weights.sum(axis=1, keepdims=True)
    return normalised


@dataclass(frozen=True)
class Reading:
    """What a curve says.

    Attributes:
        lr: the rate that it suggests; none where it says nothing.
        reason: why, in a sentence.
        smoothed: the losses, smoothed [N].
    """

    lr: float | None
    reason: str
    smoothed: Losses


def read_curve(rates: Losses, losses: Losses, steps: int, diverged: bool, default: float) -> Reading:
    """Return the rate at which the smoothed loss falls fastest for a factor on the rate, before its lowest place.

    Where it never clearly falls, as under a head that is solved already, nothing speaks against the default, unless the
    loss rises below it: then the rate is a tenth of the one from which on it rises. A loss above the first ones counts
    as much as they: how far it diverges says nothing of its fall.

    Args:
        rates: rising [N], N at least 3.
        losses: of the batches at these rates [N], each finite.
        steps: of the whole test, at least N.
        diverged: whether the test ended because the loss diverged.
        default: the rate of a fit to which none is given.
    """
    weights = weights_of(len(losses), steps)
    first = float((weights @ losses)[0])
    spread = float(np.std(np.diff(losses[: max(3, len(losses) // 3)]))) / math.sqrt(2)
    smoothed = weights @ np.minimum(losses, first + CLEAR * spread)
    bottom = int(smoothed.argmin())
    errors = spread * np.sqrt((weights**2).sum(axis=1))
    fall = float(smoothed[0] - smoothed[bottom])
    if bottom >= 2 and fall > max(CLEAR * math.hypot(errors[0], errors[bottom]), TINY):
        slopes = np.gradient(smoothed[: bottom + 1], np.log10(rates[: bottom + 1]))
        reason = (
            f"the loss falls fastest there, on its way from {smoothed[0]:.3g} to {smoothed[bottom]:.3g} at a rate of "
            f"{rates[bottom]:.2g}"
        )
        return Reading(_short(rates[int(slopes.argmin())]), reason, smoothed)
    calm = np.flatnonzero(smoothed <= smoothed[0] + max(CLEAR * errors[0], TINY))
    last = int(calm.max())
    if not diverged and last == len(losses) - 1:
        return Reading(None, f"the loss neither clearly falls nor rises up to a rate of {rates[-1]:.2g}", smoothed)
    never = f"the loss never clearly falls, and rises from a rate of {rates[last]:.2g} on"
    if default <= rates[last]:
        return Reading(default, f"{never}: nothing speaks against the default", smoothed)
    return Reading(_short(rates[last] / MARGIN), f"{never}; this is a tenth of it", smoothed)


def _short(rate: float) -> float:
    """Return a rate as it is shown and typed: two digits of a curve's reading mean something."""
    return float(f"{rate:.2g}")
