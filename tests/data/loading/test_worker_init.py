"""What the death of a worker means, and that other failures stay what they are."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from visionft.data.loading import worker_init
from visionft.data.loading.worker_init import DEATH, taken, worker_fault
from visionft.errors import DataError


@pytest.mark.parametrize("end", ["(pid 7) is killed by signal: Bus error.", "(pid(s) 7, 8) exited unexpectedly"])
def test_the_death_of_a_worker_is_known_by_torchs_words(end: str) -> None:
    assert isinstance(worker_fault(RuntimeError(f"DataLoader worker {end}")), DataError)
    assert worker_fault(RuntimeError("CUDA error: out of memory")) is None


def failing(error: BaseException) -> Iterator[Any]:
    raise error
    yield


@pytest.mark.parametrize(
    "error",
    [EOFError(), ConnectionResetError(), RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")],
)
def test_a_worker_that_died_is_one_sentence(error: BaseException) -> None:
    with pytest.raises(DataError) as caught:
        list(taken(failing(error)))
    assert str(caught.value) == DEATH
    assert caught.value.__cause__ is error


def test_other_failures_are_raised_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        list(taken(failing(RuntimeError("CUDA error: out of memory"))))


def test_the_handler_of_dead_children_is_put_back() -> None:
    def handler(*_: object) -> None:
        """Do nothing."""

    class Loader:
        """Sets a handler when it starts, as torch does."""

        def __iter__(self) -> Iterator[int]:
            signal.signal(signal.SIGCHLD, handler)
            return iter([1, 2])

    before = signal.getsignal(signal.SIGCHLD)
    assert list(worker_init._started(Loader())) == [1, 2]
    assert signal.getsignal(signal.SIGCHLD) is before


def test_batches_come_as_tuples() -> None:
    batch = (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.tensor([0, 1]), torch.tensor([5, 6]))
    [(pixels, labels, rows)] = list(taken(iter([batch])))
    assert (pixels.shape, labels.tolist(), rows.tolist()) == ((2, 4, 4, 3), [0, 1], [5, 6])
