"""From keys to a batch: one photo after the other in a worker, by all threads of the computation in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from threading import Barrier
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, get_worker_info

from visionft.errors import DataError

Key = TypeVar("Key", contravariant=True)
Item = tuple[NDArray[np.uint8], int | float | list[int], int]
"""(pixels (H, W, 3) uint8 RGB, class index or what else is learnt, row in the split)."""
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""(pixels (B, H, W, 3) uint8 RGB, labels (B,): class indices int64, or float32, or (B, K); rows (B,) int64)."""

TOGETHER = 4  # photos that a thread is given at once: to hand over each alone takes a tenth of its decoding


@dataclass(frozen=True)
class Fault:
    """A DataError on its way out of a worker; as an exception it would arrive with a traceback in its message."""

    message: str


class Photos(Protocol[Key]):
    """A dataset: photos by (view, index) or by index. Threads may ask for several at once."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Key, /) -> Item: ...

    def file(self, key: Key, /) -> Path:
        """Return the file that the item will be read from."""
        ...


class Guarded(Dataset[Item | Fault], Generic[Key]):
    """A dataset whose DataErrors are returned instead of raised.

    Without workers a batch is decoded between two steps, by all of torch's threads. On a processor that takes no longer
    than workers beside the training (benchmarks/workers.py): a step would wait, at each operation, for the thread that
    shares its core with a worker. And a worker is forked from this process, which then copies each page that it writes.
    """

    def __init__(self, dataset: Photos[Key]) -> None:
        self.dataset = dataset
        self._pool: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Key) -> Item | Fault:
        try:
            return self.dataset[key]
        except DataError as error:
            return Fault(str(error))

    def __getitems__(self, keys: Sequence[Key]) -> list[Item | Fault]:
        """Return the items of a batch, in order; torch's loader asks for them at once where it can."""
        threads = torch.get_num_threads()
        if get_worker_info() is not None or threads == 1:
            return self._some(keys)
        if self._pool is None:
            self._pool = _pool(threads)
        parts = [keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER)]
        return list(chain.from_iterable(self._pool.map(self._some, parts)))

    def _some(self, keys: Sequence[Key]) -> list[Item | Fault]:
        return [self[key] for key in keys]


def _pool(threads: int) -> ThreadPoolExecutor:
    """Start threads that never use OpenMP: with a second team of it in the process, libgomp lets no thread spin.

    Each of the thousands of operations of a step would then wake its threads anew, which took a fifth of the step.
    """
    pool, begun = ThreadPoolExecutor(threads, "visionft-decode"), Barrier(threads)

    def start(_: int) -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # a thread's first question gives it what was set last, by whichever thread
        begun.wait()

    list(pool.map(start, range(threads)))
    torch.set_num_threads(threads)  # what is set last is what threads of later, and MKL's, begin with
    return pool


class ReadAhead(Generic[Key]):
    """Batches of keys; while one is trained on, the disk already reads the files of the next into the system's memory.

    Args:
        dataset: knows the files.
        batches: as often as they are asked for.
    """

    def __init__(self, dataset: Photos[Key], batches: Iterable[Sequence[Key]]) -> None:
        self.dataset, self.batches = dataset, batches

    def __iter__(self) -> Iterator[Sequence[Key]]:
        """Yield the batches as they are."""
        if not hasattr(os, "posix_fadvise"):
            yield from self.batches
            return
        nothing: tuple[Key, ...] = ()
        with ThreadPoolExecutor(1, "visionft-read-ahead") as pool:
            for batch, following in pairwise(chain(self.batches, [nothing])):
                pool.submit(self._ask, following)
                yield batch

    def _ask(self, keys: Sequence[Key]) -> None:
        for key in keys:
            with suppress(OSError):  # whoever needs the photo will say that it is gone
                descriptor = os.open(self.dataset.file(key), os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(descriptor)


def collate(items: Sequence[Item | Fault]) -> Batch | Fault:
    """Stack items to a batch; the first fault, if there is one, takes its place.

    Args:
        items: B of pixels uint8 (H, W, 3), all of one size, class index and row; none where a batch is smaller than the
            processes that share it are many.

    Returns:
        Pixels uint8 (B, H, W, 3), class indices int64 (B,) and rows int64 (B,).
    """
    if not items:
        none = torch.empty(0, dtype=torch.int64)
        return torch.empty(0, 1, 1, 3, dtype=torch.uint8), none, none
    sound: list[Item] = []
    for item in items:
        if isinstance(item, Fault):
            return item
        sound.append(item)
    pixels, labels, indices = zip(*sound, strict=True)
    return torch.from_numpy(np.stack(pixels)), torch.tensor(labels), torch.tensor(indices)


def unpacked(batches: Iterable[Any]) -> Iterator[Batch]:
    """Yield batches as tuples: pixels uint8 (B, H, W, 3), class indices int64 (B,) and rows int64 (B,).

    Raises:
        DataError: a photo could not be read.
    """
    try:
        for batch in batches:
            if isinstance(batch, Fault):
                raise DataError(batch.message)
            pixels, labels, indices = batch
            yield pixels, labels, indices
    finally:
        del batches  # a traceback holds this frame, and with it the workers
