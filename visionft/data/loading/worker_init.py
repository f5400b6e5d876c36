"""What a worker process does at its start, and what its death means."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from visionft.data.loading.collate import Batch, unpacked
from visionft.errors import DataError

# Forked where the system can: then a script needs no `if __name__ == "__main__"`, Arrow columns are shared instead of
# copied, and a start takes milliseconds. It is safe beside CUDA and OpenMP because a worker uses neither.
START = "fork" if sys.platform == "linux" else None

DEATH = (
    "a process that reads photos died, most often because memory or /dev/shm ran out: go on with fewer, such as "
    "--hardware.workers 0"
)


def taken(batches: Iterable[Any]) -> Iterator[Batch]:
    """Yield the batches of torch's loader as tuples: pixels uint8 (B, H, W, 3), class indices and rows int64 (B,).

    Raises:
        DataError: a photo could not be read, or a worker died.
    """
    try:
        yield from unpacked(_started(batches))
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
