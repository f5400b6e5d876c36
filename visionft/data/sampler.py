"""Random numbers and the order of the photos: pure functions of the seed, the epoch and the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from visionft.data.class_sampling import ClassSampling

Sample = tuple[int, int]
"""(view, index): what a worker must know to draw a training photo; the view is the epoch, unless views come again."""
Share = Callable[[int], slice]
"""From a number of photos to the part of them that is this process's."""


AGAIN, MOST_AGAIN = 1 << 20, (1 << 12) - 1
"""A photo that comes again in an epoch has a view of its own: the epoch, and this much more each time; 32 bits hold it.
Epochs are fewer than a million, and what comes 4,096 times in one has seen its views."""


class Purpose(IntEnum):
    """What random numbers are for; streams of different purposes never overlap."""

    ORDER = 1
    AUGMENT = 2


def stream(purpose: Purpose, seed: int, epoch: int, index: int = 0) -> np.random.SeedSequence:
    """Return the source of the random numbers that (purpose, seed, epoch, index) alone decides."""
    # Always four words: SeedSequence pads with zeros, so that [1, 2] and [1, 2, 0] would be one stream.
    return np.random.SeedSequence([int(purpose), seed, epoch, index])


def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """Return the order (n,) in which epoch `epoch` goes through `n` photos."""
    return np.random.default_rng(stream(Purpose.ORDER, seed, epoch)).permutation(n)


def epoch_order(
    seed: int, epoch: int, n: int, classes: ClassSampling | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the photos (n,) of an epoch in their order, and how often each came before in it (n,)."""
    if classes is None:
        return permutation(seed, epoch, n), np.zeros(n, np.int64)
    order, again = classes.drawn(np.random.default_rng(stream(Purpose.ORDER, seed, epoch)))
    return order, np.minimum(again, MOST_AGAIN)


def grouped(
    order: NDArray[np.int64], labels: NDArray[np.integer], per_class: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return an order (n,) of the same photos in which those of one class follow one another, `per_class` at a time.

    Each class is cut into runs of so many photos, in their order; the last run may be shorter. Runs come in any order,
    and every photo still comes once.

    Args:
        order: (n,) photos in a random order.
        labels: (n,) classes of the photos 0 to n - 1.
        per_class: photos of a run, from 1.
        random: decides the order of the runs.
    """
    n = len(order)
    by_class = order[np.argsort(labels[order], kind="stable")]
    own = labels[by_class]
    starts = np.flatnonzero(np.r_[True, own[1:] != own[:-1]])
    within = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    run = np.cumsum(within % per_class == 0) - 1
    return by_class[np.argsort(random.permutation(run[-1] + 1)[run], kind="stable")]


def steps_per_epoch(n: int, batch_size: int) -> int:
    """Count the batches of one epoch: the last, smaller one is dropped, unless it is the only one."""
    if n < 1 or batch_size < 1:
        raise ValueError(f"an epoch needs photos and a batch size, got {n} photos in batches of {batch_size}")
    return max(1, n // batch_size)


class EpochSampler:
    """Batches of (view, index) in the order of the epoch; the index of a photo is its row in the training split.

    Args:
        n: Training photos.
        batch_size: Photos in a batch.
        seed: The run's seed.
        share: Which photos of a batch of so many are yielded, where several processes share it; none: all.
        labels: (n,) classes of which `per_class` photos are to follow one another; none: photos come in any order.
        per_class: Photos of a class in a row.
        classes: What draws the photos of an epoch class by class; none: each comes once.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        seed: int,
        share: Share | None = None,
        labels: NDArray[np.integer] | None = None,
        per_class: int = 1,
        classes: ClassSampling | None = None,
    ) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.labels, self.per_class, self.classes = labels, per_class, classes
        self.steps = steps_per_epoch(n, batch_size)
        self._own = slice(None) if share is None else share(min(n, batch_size))
        self.set_epoch(0)

    def set_epoch(self, epoch: int, start: int = 0, view: int | None = None) -> None:
        """Choose the epoch, the number of its batches that are done, in [0, steps], and the view; none: the epoch."""
        if not 0 <= start <= self.steps:
            raise ValueError(f"an epoch has batches 0 to {self.steps}, got start {start}")
        self.epoch, self.start, self.view = epoch, start, epoch if view is None else view
        self._apart = (
            AGAIN if view is None else 0
        )  # views that come again are what a frozen part was asked for, no more

    def __iter__(self) -> Iterator[list[Sample]]:
        """Yield the remaining batches of the chosen epoch."""
        order, again = epoch_order(self.seed, self.epoch, self.n, self.classes)
        if self.labels is not None:
            runs = np.random.default_rng(stream(Purpose.ORDER, self.seed, self.epoch, 1))
            order = grouped(order, self.labels, self.per_class, runs)
        for step in range(self.start, self.steps):
            part = slice(step * self.batch_size, (step + 1) * self.batch_size)
            views = self.view + self._apart * again[part]
            yield list(zip(views[self._own].tolist(), order[part][self._own].tolist(), strict=True))
