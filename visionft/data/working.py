"""What a worker process does at its start, how a broken photo leaves it, and what its death means."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from visionft.errors import DataError

Key = TypeVar("Key", contravariant=True)
Item = tuple[NDArray[np.uint8], int, int]
"""(pixels (H, W, 3) uint8 RGB, class index, row in the split)."""
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""(pixels (B, H, W, 3) uint8 RGB, class indices (B,) int64, rows in the split (B,) int64)."""

# Forked where the system can: then a script needs no `if __name__ == "__main__"`, Arrow columns are shared instead of
# copied, and a start takes milliseconds. It is safe beside CUDA and OpenMP because a worker uses neither.
START = "fork" if sys.platform == "linux" else None

DEATH = (
    "a process that reads photos died, most often because memory or /dev/shm ran out: go on with fewer, such as "
    "--hardware.workers 0"
)


@dataclass(frozen=True)
class Fault:
    """A DataError on its way out of a worker; as an exception it would arrive with a traceback in its message."""

    message: str


class Photos(Protocol[Key]):
    """A dataset: photos by (epoch, index) or by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Key, /) -> Item: ...


class Guarded(Dataset[Item | Fault], Generic[Key]):
    """A dataset whose DataErrors are returned instead of raised."""

    def __init__(self, dataset: Photos[Key]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Key) -> Item | Fault:
        try:
            return self.dataset[key]
        except DataError as error:
            return Fault(str(error))


def collate(items: Sequence[Item | Fault]) -> Batch | Fault:
    """Stack items of one size to a batch; the first fault, if there is one, takes its place."""
    sound: list[Item] = []
    for item in items:
        if isinstance(item, Fault):
            return item
        sound.append(item)
    pixels, labels, indices = zip(*sound, strict=True)
    return torch.from_numpy(np.stack(pixels)), torch.tensor(labels), torch.tensor(indices)


def unpacked(batches: Iterable[Any]) -> Iterator[Batch]:
    """Yield batches as tuples.

    Raises:
        DataError: a photo could not be read, or a worker died.
    """
    try:
        for batch in _started(batches):
            if isinstance(batch, Fault):
                raise DataError(batch.message)
            pixels, labels, indices = batch
            yield pixels, labels, indices
    except (OSError, EOFError) as error:  # it died while it handed a batch over, before torch noticed
        raise DataError(DEATH) from error
    except RuntimeError as error:
        if fault := worker_fault(error):
            raise fault from error
        raise
    finally:
        del batches  # a traceback holds this frame, and with it the workers


def _started(batches: Iterable[Any]) -> Iterator[Any]:
    """Start the iteration, without the signal handler by which torch reports dead workers.

    Its RuntimeError would surface anywhere, in the middle of a step or of writing a checkpoint. Without it torch looks
    for itself whenever a batch is late, as it does where there is no such signal.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        return iter(batches)
    before = signal.getsignal(signal.SIGCHLD)
    iterator = iter(batches)
    if before is not None and signal.getsignal(signal.SIGCHLD) is not before:
        signal.signal(signal.SIGCHLD, before)
    return iterator


def worker_fault(error: BaseException) -> DataError | None:
    """Return what the death of a worker means in one sentence, or None if `error` is something else."""
    died = isinstance(error, RuntimeError) and re.search(r"DataLoader worker \(pid.*(killed|exited)", str(error))
    return DataError(DEATH) if died else None


def start_worker(_: int) -> None:
    """Set up a worker: one thread, deaf to ^C, and to SIGTERM unless its parent sends it."""
    torch.set_num_threads(1)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        # `timeout`, systemd and SLURM signal every process of a run; the parent then finishes its step and checkpoints,
        # for which it needs its workers. Its own SIGTERM, at its exit, must be obeyed: it would wait for ever.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = multiprocessing.parent_process()
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != (parent.pid if parent else 0):
        pass
    os._exit(0)
